// Verifies an exported log with Go's own golang.org/x/mod/sumdb/{note,tlog}: code that shares nothing with Postern.
//
//	verifier -dir EXPORT -vkey KEY…               the checkpoint's signature, by each of them, and the tree that it is for
//	verifier -dir EXPORT -vkey KEY -keys FILE     the same by a key that the pinned one leads to, as FILE proves
//	verifier -dir EXPORT -size N -root BASE64     the tree of the first N entries, without a checkpoint
//
// With -minimum N the beginning of the log was removed by its retention rule: of that its hashes are taken.
// With -witness KEY… the checkpoint must be cosigned by each of them, which is checked with crypto/ed25519.
// Checked are: every leaf against its entry, every tile against the hashes derived from the entries, the root, proofs
// that Go makes of the tiles, and the proofs in -proofs FILE, which Postern made. Exit status 1 for whatever is wrong.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

var (
	dir     = flag.String("dir", "", "exported log")
	keys    = flag.String("keys", "", "file with the proofs of the changes of the log key")
	size    = flag.Int64("size", 0, "entries, where there is no checkpoint")
	root    = flag.String("root", "", "root, base64, where there is no checkpoint")
	proofs  = flag.String("proofs", "", "file with proofs that Postern made, one JSON object a line")
	minimum = flag.Int64("minimum", 0, "where the log begins: bundles that end there or before may be gone, hashes may not")
	random  = flag.Int("random", 200, "proofs of each kind in trees too large for all of them")
)

var vkeys, witnesses list

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func main() {
	flag.Var(&vkeys, "vkey", "verifier key that must have signed; with it the checkpoint says size and root")
	flag.Var(&witnesses, "witness", "verifier key of a witness that must have cosigned")
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "not verified:", err)
		os.Exit(1)
	}
}

func run() error {
	tree, err := readTree()
	if err != nil {
		return err
	}
	hashes, err := deriveHashes(tree.N)
	if err != nil {
		return err
	}
	derived, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if derived != tree.Hash {
		return fmt.Errorf("the entries lead to the root %v, claimed is %v", derived, tree.Hash)
	}
	tiles, err := compareTiles(tree.N, hashes)
	if err != nil {
		return err
	}
	// From here on hashes come from the tiles, which this reader checks against the root by itself.
	reader := tlog.TileHashReader(tree, tileReader{})
	made, err := proveSome(tree, hashes, reader)
	if err != nil {
		return err
	}
	checked, err := checkGiven(hashes)
	if err != nil {
		return err
	}
	fmt.Printf("size %d: %d tiles, %d proofs from tiles, %d proofs of Postern's\n", tree.N, tiles, made, checked)
	return nil
}

// readTree gives size and root: as the flags say, or as the checkpoint does, if its signatures are right.
func readTree() (tlog.Tree, error) {
	if len(vkeys) == 0 {
		hash, err := tlog.ParseHash(*root)
		return tlog.Tree{N: *size, Hash: hash}, err
	}
	set, err := pin(vkeys)
	if err != nil {
		return tlog.Tree{}, err
	}
	if *keys != "" {
		if err := set.learnFile(*keys); err != nil {
			return tlog.Tree{}, err
		}
	}
	text, err := os.ReadFile(filepath.Join(*dir, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, tree, signers, err := set.open(text)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	if *keys == "" && len(signers) != len(vkeys) {
		return tlog.Tree{}, fmt.Errorf("checkpoint: signed by %d of %d keys", len(signers), len(vkeys))
	}
	for _, witness := range witnesses {
		if err := checkCosignature(opened, witness); err != nil {
			return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
		}
	}
	return tree, nil
}

// storedHashes holds the hashes of a whole tree in the order of tlog.StoredHashIndex.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d is not there yet", index)
		}
		found[i] = s[index]
	}
	return found, nil
}

// deriveHashes reads all entry bundles and derives every hash of the tree from the entries.
func deriveHashes(n int64) (storedHashes, error) {
	var hashes storedHashes
	for first := int64(0); first < n; first += 1 << height {
		width := n - first
		if width > 1<<height {
			width = 1 << height
		}
		leaves, err := readLeafHashes(first, width)
		if err != nil {
			return nil, err
		}
		for i, leaf := range leaves {
			more, err := tlog.StoredHashesForRecordHash(first+int64(i), leaf, hashes)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, more...)
		}
	}
	return hashes, nil
}

// readLeafHashes derives them from the entries; below the minimum it takes them from the tile.
func readLeafHashes(first, width int64) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	if first+width <= *minimum {
		data, err := readTile(tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)})
		if err == nil && int64(len(data)) != width*tlog.HashSize {
			err = fmt.Errorf("the tile of entry %d has not %d hashes", first, width)
		}
		for at := 0; err == nil && at < len(data); at += tlog.HashSize {
			var leaf tlog.Hash
			copy(leaf[:], data[at:])
			leaves = append(leaves, leaf)
		}
		return leaves, err
	}
	entries, err := readBundle(tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)})
	for _, entry := range entries {
		leaves = append(leaves, tlog.RecordHash(entry))
	}
	return leaves, err
}

func readBundle(tile tlog.Tile) ([][]byte, error) {
	data, err := readTile(tile)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s: cut off", path(tile))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if len(entries) != tile.W {
		return nil, fmt.Errorf("%s: %d entries, not %d", path(tile), len(entries), tile.W)
	}
	return entries, nil
}

// compareTiles compares every hash tile of the tree with what the entries lead to.
func compareTiles(n int64, hashes storedHashes) (int, error) {
	count := 0
	for _, tile := range tilesOf(n) {
		want, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return 0, err
		}
		have, err := readTile(tile)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(have, want) {
			return 0, fmt.Errorf("%s: not what the entries lead to", path(tile))
		}
		count++
	}
	return count, nil
}

// tilesOf gives the tiles of the tree of n entries, as tlog-tiles wants them published: all full ones, and on each level
// the partial one at the right edge. (tlog.NewTiles would name every partial tile on the way there as well.)
func tilesOf(n int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; n > 0; level, n = level+1, n>>height {
		for i := int64(0); i < n>>height; i++ {
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: i, W: 1 << height})
		}
		if w := int(n & (1<<height - 1)); w > 0 {
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: n >> height, W: w})
		}
	}
	return tiles
}

// proveSome makes and checks proofs of inclusion and of consistency from the tiles: all of a small tree, else some.
func proveSome(tree tlog.Tree, hashes storedHashes, reader tlog.HashReader) (int, error) {
	count := 0
	for _, index := range choose(0, tree.N) {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return 0, err
		}
		leaf := hashes[tlog.StoredHashIndex(0, index)]
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return 0, fmt.Errorf("entry %d: %w", index, err)
		}
		count++
	}
	for _, old := range choose(1, tree.N+1) {
		oldHash, err := tlog.TreeHash(old, reader)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveTree(tree.N, old, reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, oldHash); err != nil {
			return 0, fmt.Errorf("from size %d: %w", old, err)
		}
		count++
	}
	return count, nil
}

// choose gives all numbers of [from, to), or a random sample if they are too many.
func choose(from, to int64) []int64 {
	var chosen []int64
	if to-from <= 600 {
		for i := from; i < to; i++ {
			chosen = append(chosen, i)
		}
		return chosen
	}
	for i := 0; i < *random; i++ {
		chosen = append(chosen, from+rand.Int63n(to-from))
	}
	return chosen
}

// given is a proof that Postern made: of an entry, or of an old tree.
type given struct {
	Kind  string   `json:"kind"`
	Size  int64    `json:"size"`
	Index int64    `json:"index"`
	Old   int64    `json:"old"`
	Proof []string `json:"proof"`
}

func checkGiven(hashes storedHashes) (int, error) {
	if *proofs == "" {
		return 0, nil
	}
	text, err := os.ReadFile(*proofs)
	if err != nil {
		return 0, err
	}
	count := 0
	decoder := json.NewDecoder(bytes.NewReader(text))
	for decoder.More() {
		var one given
		if err := decoder.Decode(&one); err != nil {
			return 0, err
		}
		if err := one.check(hashes); err != nil {
			return 0, fmt.Errorf("Postern's proof %+v: %w", one, err)
		}
		count++
	}
	return count, nil
}

func (g given) check(hashes storedHashes) error {
	proof, err := parseHashes(g.Proof)
	if err != nil {
		return err
	}
	newHash, err := tlog.TreeHash(g.Size, hashes)
	if err != nil {
		return err
	}
	if g.Kind == "inclusion" {
		leaf := hashes[tlog.StoredHashIndex(0, g.Index)]
		return tlog.CheckRecord(proof, g.Size, newHash, g.Index, leaf)
	}
	oldHash, err := tlog.TreeHash(g.Old, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, g.Size, newHash, g.Old, oldHash)
}

// tileReader reads tiles as C2SP tlog-tiles names them.
type tileReader struct{}

func (tileReader) Height() int { return height }

func (tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if data[i], err = readTile(tile); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func readTile(tile tlog.Tile) ([]byte, error) {
	return os.ReadFile(filepath.Join(*dir, path(tile)))
}

// path is Go's own path of the tile without the height, and with the entries under tlog-tiles' name.
func path(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	if strings.HasPrefix(rest, "data/") {
		rest = "entries/" + strings.TrimPrefix(rest, "data/")
	}
	return "tile/" + rest
}
