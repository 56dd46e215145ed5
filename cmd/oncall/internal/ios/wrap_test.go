package ios_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"push now, phone after 5 min", 0, []string{"push now, phone after 5 min"}},
		{"push now, phone after 5 min", 15, []string{"push now, phone", "after 5 min"}},
		{"push now, phone after 5 min", 14, []string{"push now,", "phone after 5", "min"}},
		{"a https://playbook.example.test/api b", 10, []string{"a", "https://playbook.example.test/api", "b"}},
		{"夜間 当番 表", 9, []string{"夜間 当番", "表"}}, // two columns each
	} {
		assert.Equal(t, c.want, ios.Wrap(c.text, c.width), "%q in %d", c.text, c.width)
	}
}
