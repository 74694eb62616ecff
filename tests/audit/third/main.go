// A reader of the audit log that shares nothing with it but the formats: the checkpoint, tiles and proofs
// are those of golang.org/x/mod/sumdb, which the checksum database of Go is read with; an entry's envelope
// and statement are read with Go's own libraries.
//
//	third FOLDER KEY [OLD-CHECKPOINT]   all of the log; that it continues the older one
//	third --entry KEY < audit-show.json one entry, from the answer of `audit show` alone
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "third: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func require(ok bool, what string) {
	if !ok {
		check(fmt.Errorf("it is not so"), what)
	}
}

// tlog-checkpoint: origin, size, root.
func openCheckpoint(text []byte, verifier note.Verifier) tlog.Tree {
	n, err := note.Open(text, note.VerifierList(verifier))
	check(err, "the checkpoint is a note that the key has signed")
	lines := strings.Split(n.Text, "\n")
	require(len(lines) == 4 && lines[0] == verifier.Name() && lines[3] == "", "the checkpoint has three lines")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "the size of the tree")
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err, "the root of the tree")
	require(len(root) == tlog.HashSize, "the root is a hash")
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

// tlog-tiles: as the checksum database's, at other paths.
type folder struct {
	path string
	size int64
}

func (f folder) Height() int { return 8 }

func number(n int64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	return s
}

func (f folder) file(level string, n int64, width int64) string {
	p := filepath.Join(f.path, "tile", level, number(n))
	if width < 256 {
		p += fmt.Sprintf(".p/%d", width)
	}
	return p
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, t := range tiles {
		d, err := os.ReadFile(f.file(strconv.Itoa(t.L), t.N, int64(t.W)))
		if err != nil {
			return nil, err
		}
		data = append(data, d)
	}
	return data, nil
}

func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func (f folder) entries() [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < f.size; n++ {
		width := f.size - n*256
		if width > 256 {
			width = 256
		}
		bundle, err := os.ReadFile(f.file("entries", n, width))
		check(err, "a bundle of entries")
		for i := int64(0); i < width; i++ {
			require(len(bundle) >= 2, "an entry has its length before it")
			length := int(binary.BigEndian.Uint16(bundle))
			require(len(bundle)-2 >= length, "an entry ends within its bundle")
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		require(len(bundle) == 0, "nothing is behind the last entry of a bundle")
	}
	return all
}

type envelope struct {
	Payload     string
	PayloadType string
	Signatures  []struct{ Keyid, Sig string }
}

type statement struct {
	Type          string `json:"_type"`
	Predicate     map[string]json.RawMessage
	PredicateType string
	Subject       []struct {
		Name   string
		Digest map[string]string
	}
}

// DSSE and in-toto; evidence is looked for under evidence/ if there is a folder.
func checkEntry(entry []byte, key ed25519.PublicKey, where string) string {
	var e envelope
	var s statement
	check(json.Unmarshal(entry, &e), "an entry is an envelope")
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	check(err, "the payload of an envelope")
	require(e.PayloadType == "application/vnd.in-toto+json" && len(e.Signatures) == 1, "an envelope of in-toto with a signature")
	signature, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	check(err, "the signature of an envelope")
	message := fmt.Sprintf("DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(payload), payload)
	require(ed25519.Verify(key, []byte(message), signature), "the key has signed the envelope")
	check(json.Unmarshal(payload, &s), "the payload is a statement")
	require(s.Type == "https://in-toto.io/Statement/v1" && len(s.Subject) > 0 && s.PredicateType != "", "a statement of in-toto, version 1")
	for _, subject := range s.Subject {
		require(len(subject.Digest["sha256"]) == 64, "a subject has a digest")
		if subject.Name == "evidence" && where != "" {
			d := subject.Digest["sha256"]
			data, err := os.ReadFile(filepath.Join(where, "evidence", d[:2], d))
			check(err, "evidence that an entry names")
			sum := sha256.Sum256(data)
			require(hex.EncodeToString(sum[:]) == d, "evidence has the digest that its entry names")
		}
		if subject.Name == "data" {
			sum := sha256.Sum256(s.Predicate["data"])
			require(hex.EncodeToString(sum[:]) == subject.Digest["sha256"], "the digest of the data")
		}
	}
	return s.PredicateType
}

func keyOf(text string) (note.Verifier, ed25519.PublicKey) {
	verifier, err := note.NewVerifier(text)
	check(err, "the key")
	parts := strings.SplitN(text, "+", 3)
	public, err := base64.StdEncoding.DecodeString(parts[2])
	check(err, "the key")
	return verifier, ed25519.PublicKey(public[1:])
}

func readLog(path, keyText string, old []byte) {
	verifier, key := keyOf(keyText)
	text, err := os.ReadFile(filepath.Join(path, "checkpoint"))
	check(err, "the checkpoint")
	tree := openCheckpoint(text, verifier)
	f := folder{path, tree.N}
	hashes := tlog.TileHashReader(tree, f)
	kinds := map[string]int{}
	var all []int64
	entries := f.entries()
	for i, entry := range entries {
		kinds[checkEntry(entry, key, path)]++
		all = append(all, tlog.StoredHashIndex(0, int64(i)))
	}
	if len(all) > 0 {
		leaves, err := hashes.ReadHashes(all)
		check(err, "the tiles are those of the checkpoint's tree")
		for i, entry := range entries {
			require(leaves[i] == tlog.RecordHash(entry), fmt.Sprintf("entry %d is the tree's", i))
		}
	}
	for i := int64(0); i < tree.N; i += 1 + tree.N/100 {
		proof, err := tlog.ProveRecord(tree.N, i, hashes)
		check(err, "a proof of inclusion")
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(entries[i])), "a proof of inclusion")
	}
	if old != nil {
		before := openCheckpoint(old, verifier)
		proof, err := tlog.ProveTree(tree.N, before.N, hashes)
		check(err, "a proof of consistency")
		check(tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash), "the log continues the older checkpoint")
	}
	fmt.Printf("%d entries of %d kinds\n", tree.N, len(kinds))
}

func readEntry(keyText string) {
	var answer struct {
		Audit struct {
			Index     int64
			Digest    string
			Envelope  json.RawMessage
			Inclusion struct {
				Checkpoint string
				Proof      []string
			}
		}
	}
	verifier, key := keyOf(keyText)
	text, err := io.ReadAll(os.Stdin)
	check(err, "the answer")
	check(json.Unmarshal(text, &answer), "the answer")
	tree := openCheckpoint([]byte(answer.Audit.Inclusion.Checkpoint), verifier)
	var proof tlog.RecordProof
	for _, s := range answer.Audit.Inclusion.Proof {
		h, err := tlog.ParseHash(s)
		check(err, "a hash of the proof")
		proof = append(proof, h)
	}
	leaf := tlog.RecordHash(answer.Audit.Envelope)
	require(hex.EncodeToString(leaf[:]) == answer.Audit.Digest, "the digest is the leaf's hash")
	check(tlog.CheckRecord(proof, tree.N, tree.Hash, answer.Audit.Index, leaf), "the entry is in the log")
	fmt.Printf("entry %d of %d: %s\n", answer.Audit.Index, tree.N, checkEntry(answer.Audit.Envelope, key, ""))
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "--entry" {
		readEntry(os.Args[2])
		return
	}
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: third FOLDER KEY [OLD-CHECKPOINT] | third --entry KEY")
		os.Exit(2)
	}
	var old []byte
	if len(os.Args) == 4 {
		text, err := os.ReadFile(os.Args[3])
		check(err, "the older checkpoint")
		old = text
	}
	readLog(os.Args[1], os.Args[2], old)
}
