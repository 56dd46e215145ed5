package simulator

import "fmt"

// quickNoise is noise for generated samples and lines, of which a query makes
// hundreds of thousands: a number in [0, 1), the same for the same n and parts.
func quickNoise(n uint64, parts ...any) float64 {
	h := n * 0x9e3779b97f4a7c15
	for _, p := range parts {
		var text string
		switch p := p.(type) {
		case string:
			text = p
		case int:
			h = mix(h ^ uint64(p))
			continue
		default:
			text = fmt.Sprint(p)
		}
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 0x100000001b3
		}
	}
	return float64(mix(h)>>11) / (1 << 53)
}

// mix spreads every bit over all others (the finaliser of splitmix64).
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}
