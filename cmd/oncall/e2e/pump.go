package e2e

import (
	"errors"
	"io"
)

const (
	pumpPieces = 4
	pumpSize   = 256 << 10
)

// piece is what one read brought.
type piece struct {
	data []byte
	err  error
}

// pump copies while the next piece is being read: a console of a gigabyte is
// bounded by the slower of the network and what is done to the text, not by
// their sum. It returns when both sides are at rest.
func pump(w io.Writer, r io.ReadCloser) error {
	full, free := make(chan piece, pumpPieces), make(chan []byte, pumpPieces)
	for range pumpPieces {
		free <- make([]byte, pumpSize)
	}
	go func() {
		defer close(full)
		for buf := range free {
			n, err := r.Read(buf)
			full <- piece{buf[:n], err}
			if err != nil {
				return
			}
		}
	}()
	err := drain(w, full, free)
	close(free)
	if err != nil {
		_ = r.Close() // ends a read that still waits
	}
	for range full { // until the reader is gone
	}
	return err
}

func drain(w io.Writer, full <-chan piece, free chan<- []byte) error {
	for p := range full {
		if _, err := w.Write(p.data); err != nil {
			return err
		}
		if errors.Is(p.err, io.EOF) {
			return nil
		}
		if p.err != nil {
			return p.err
		}
		free <- p.data[:pumpSize]
	}
	return nil
}
