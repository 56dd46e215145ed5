package simulator

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// uuidFor returns a UUID that looks random and is always the same for the same
// parts: uuidFor("victorops alert", n).
func uuidFor(parts ...any) string {
	h := digest(parts)
	h[6] = h[6]&0x0f | 0x40
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// tokenFor returns n characters of the alphabet that look random and are always
// the same for the same parts. n is at most 32.
func tokenFor(n int, alphabet string, parts ...any) string {
	h := digest(parts)
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[int(h[i])%len(alphabet)]
	}
	return string(out)
}

const (
	alphabetHex   = "0123456789abcdef"
	alphabetLower = "abcdefghijklmnopqrstuvwxyz0123456789"
	alphabetAlnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// noise returns a number in [0, 1) that looks random and is always the same for
// the same parts: the jitter of generated samples and lines.
func noise(parts ...any) float64 {
	h := digest(parts)
	return float64(binary.BigEndian.Uint64(h[:8])>>11) / (1 << 53)
}

func digest(parts []any) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%#v", parts))
}
