package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key type of C2SP tlog-cosignature, which sumdb/note does not know.
const witnessType = 4

// checkCosignature holds that this witness has cosigned the note: with crypto/ed25519 alone.
func checkCosignature(opened *note.Note, vkey string) error {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, key64, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.Strict().DecodeString(key64)
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != witnessType {
		return errors.New("not the key of a witness")
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	id := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", id) != hash {
		return errors.New("the witness has the key id of another key")
	}
	for _, line := range opened.UnverifiedSigs {
		if line.Name != name || line.Hash != id {
			continue
		}
		// Four bytes of key id, eight of time, the signature.
		blob, err := base64.StdEncoding.Strict().DecodeString(line.Base64)
		if err != nil || len(blob) != 4+8+ed25519.SignatureSize {
			return errors.New("not a cosignature with a time")
		}
		time := binary.BigEndian.Uint64(blob[4:])
		message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, opened.Text)
		if !ed25519.Verify(key[1:], []byte(message), blob[12:]) {
			return fmt.Errorf("the cosignature of %s is wrong", name)
		}
		return nil
	}
	return fmt.Errorf("no cosignature of %s", name)
}
