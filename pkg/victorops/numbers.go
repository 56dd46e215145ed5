package victorops

import (
	"fmt"
	"strings"
)

// numbers names incidents in an error: all of a few, the first and a count of many.
func numbers(all []string) string {
	if len(all) > 4 {
		return fmt.Sprintf("%s and %d more", all[0], len(all)-1)
	}
	return strings.Join(all, ", ")
}
