package nearest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/pkg/nearest"
)

func TestOf(t *testing.T) {
	t.Parallel()
	words := []string{"operational", "degraded", "partial", "major", "maintenance"}
	for _, c := range []struct {
		word string
		want []string
	}{
		{"operatinal", []string{"operational"}},
		{"Degarded", []string{"degraded"}},
		{"part", []string{"partial"}},
		{"maintainance", []string{"maintenance"}},
		{"mjaor", []string{"major"}},
		{"xyzzy", []string{}},
	} {
		assert.Equal(t, c.want, nearest.Of(c.word, words), c.word)
	}
	assert.Empty(t, nearest.Of("", words))
	assert.Equal(t, []string{"é1", "é2", "é3"}, nearest.Of("é", []string{"é1", "é2", "é3", "é4"}), "three at most, letters not bytes")
}

func FuzzOf(f *testing.F) {
	f.Add("api", "API")
	f.Add("\xff", "é")
	f.Fuzz(func(t *testing.T, word, name string) {
		for _, got := range nearest.Of(word, []string{name, name}) {
			assert.Equal(t, name, got)
		}
	})
}
