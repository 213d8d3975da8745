"""The second verifier of evidence files, written from docs/spec/evidence.md alone."""
