package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// logKey is a key that signs checkpoints up to a size; without a bound it is -1.
type logKey struct {
	vkey     string
	verifier note.Verifier
	bound    int64
}

func newLogKey(vkey string) (*logKey, error) {
	verifier, err := note.NewVerifier(vkey)
	return &logKey{vkey, verifier, -1}, err
}

// keySet is what docs/spec/keys.md says a verifier holds. Of the changes it knows the planned ones and the ends of keys.
type keySet struct {
	origin  string
	keys    []*logKey
	learned bool
}

func pin(vkeys []string) (*keySet, error) {
	set := &keySet{}
	for _, vkey := range vkeys {
		key, err := newLogKey(vkey)
		if err != nil {
			return nil, err
		}
		set.origin = key.verifier.Name()
		set.keys = append(set.keys, key)
	}
	return set, nil
}

func (s *keySet) verifiers() note.Verifiers {
	var list []note.Verifier
	for _, key := range s.keys {
		list = append(list, key.verifier)
	}
	return note.VerifierList(list...)
}

func (s *keySet) find(vkey string) *logKey {
	for _, key := range s.keys {
		if key.vkey == vkey {
			return key
		}
	}
	return nil
}

// open opens a checkpoint, and gives the keys of the set that signed it and count at its size.
func (s *keySet) open(text []byte) (*note.Note, tlog.Tree, []*logKey, error) {
	opened, err := note.Open(text, s.verifiers())
	if err != nil {
		return nil, tlog.Tree{}, nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != s.origin || lines[3] != "" {
		return nil, tlog.Tree{}, nil, errors.New("not origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return nil, tlog.Tree{}, nil, err
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, tlog.Tree{}, nil, err
	}
	var signers []*logKey
	for _, signature := range opened.Sigs {
		for _, key := range s.keys {
			signed := key.verifier.Name() == signature.Name && key.verifier.KeyHash() == signature.Hash
			if signed && (key.bound < 0 || key.bound >= size) {
				signers = append(signers, key)
			}
		}
	}
	if len(signers) == 0 {
		return nil, tlog.Tree{}, nil, fmt.Errorf("signed at size %d by keys that ended before", size)
	}
	return opened, tlog.Tree{N: size, Hash: hash}, signers, nil
}

// change is a line of the file `keys` of a log.
type change struct {
	Key struct {
		Note  string   `json:"note"`
		Index int64    `json:"index"`
		Leaf  string   `json:"leaf"`
		Path  []string `json:"path"`
	} `json:"key"`
}

func (s *keySet) learnFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one change
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		if err := s.learn(one); err != nil {
			return fmt.Errorf("the entry %d about the key: %w", one.Key.Index, err)
		}
	}
	return lines.Err()
}

func (s *keySet) learn(one change) error {
	leaf, err := base64.StdEncoding.Strict().DecodeString(one.Key.Leaf)
	if err != nil {
		return err
	}
	_, event, found := bytes.Cut(leaf, []byte("\n"))
	var said struct {
		Source string `json:"source"`
		Action string `json:"action"`
		Data   struct {
			Old, New, Certificate, Reason, Vkey string
		} `json:"data"`
	}
	if err := json.Unmarshal(event, &said); err != nil || !found || said.Source != "postern://"+s.origin {
		return fmt.Errorf("not an entry of the log's own: %v", err)
	}
	if said.Action == "postern.key.retired" {
		key := s.find(said.Data.Vkey)
		if key == nil {
			return nil
		}
		if err := s.check(one, leaf); err != nil {
			return err
		}
		key.bound, s.learned = one.Key.Index, true
		return nil
	}
	if said.Action != "postern.key.rolled" || said.Data.Reason != "planned" {
		return fmt.Errorf("%s %s is not for this program", said.Action, said.Data.Reason)
	}
	certificate, err := note.Open([]byte(said.Data.Certificate), s.verifiers())
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) && !s.learned {
		return nil // A later key was pinned.
	}
	if err != nil {
		return fmt.Errorf("its certificate: %w", err)
	}
	if certificate.Text != "postern-log-key/v1\n"+s.origin+"\n"+said.Data.New+"\n" {
		return errors.New("its certificate is for something else")
	}
	if err := s.check(one, leaf); err != nil {
		return err
	}
	key, err := newLogKey(said.Data.New)
	if err != nil || key.verifier.Name() != s.origin {
		return fmt.Errorf("not a key of this log: %v", err)
	}
	if s.find(key.vkey) == nil {
		s.keys = append(s.keys, key)
	}
	s.learned = true
	return nil
}

// check holds that the entry is in the tree of the checkpoint that the change names.
func (s *keySet) check(one change, leaf []byte) error {
	_, tree, _, err := s.open([]byte(one.Key.Note))
	if err != nil {
		return fmt.Errorf("its checkpoint: %w", err)
	}
	path, err := parseHashes(one.Key.Path)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, one.Key.Index, tlog.RecordHash(leaf))
}

func parseHashes(texts []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, text := range texts {
		hash, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(hash) != tlog.HashSize {
			return nil, errors.New("not a hash")
		}
		var one tlog.Hash
		copy(one[:], hash)
		hashes = append(hashes, one)
	}
	return hashes, nil
}
