package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Usage makes a usage error: nothing was sent, exit code 2.
func Usage(format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrUsage, "", "", format, args...)
}

// NoArgs takes no argument.
func NoArgs(cmd *cobra.Command, args []string) error { return RangeArgs(0, 0)(cmd, args) }

// ExactArgs takes n arguments.
func ExactArgs(n int) cobra.PositionalArgs { return RangeArgs(n, n) }

// MinArgs takes n arguments or more.
func MinArgs(n int) cobra.PositionalArgs { return RangeArgs(n, -1) }

// MaxArgs takes up to n arguments.
func MaxArgs(n int) cobra.PositionalArgs { return RangeArgs(0, n) }

// RangeArgs takes from low to high arguments; high -1 is without an end.
func RangeArgs(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		n := len(args)
		if n >= low && (high < 0 || n <= high) {
			return nil
		}
		var want string
		switch {
		case high == 0:
			want = "no argument"
		case low == high:
			want = count(low)
		case high < 0:
			want = "at least " + count(low)
		case low == 0:
			want = "at most " + count(high)
		default:
			want = fmt.Sprintf("%d to %s", low, count(high))
		}
		got := "got none"
		if n > 0 {
			got = fmt.Sprintf("got %d", n)
			if high >= 0 && n > high {
				got += fmt.Sprintf(" (%q is one too many)", args[high])
			}
		}
		return Usage("%s takes %s, %s", cmd.CommandPath(), want, got).WithHint("%s", cmd.UseLine())
	}
}

func count(n int) string {
	if n == 1 {
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
