package jenkins

import (
	"strconv"
	"strings"
)

// Version is a controller's version: 2.516.3, 2.579-SNAPSHOT. The zero value is
// "not known".
type Version struct {
	Major, Minor, Patch int
	Text                string // as the controller wrote it
}

// ParseVersion reads the X-Jenkins header.
func ParseVersion(s string) (Version, bool) {
	s = strings.TrimSpace(s)
	head, _, _ := strings.Cut(s, "-")
	head, _, _ = strings.Cut(head, " ")
	v := Version{Text: s}
	parts := strings.Split(head, ".")
	if len(parts) < 2 {
		return Version{}, false
	}
	for i, to := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if i >= len(parts) {
			break
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return Version{}, false
		}
		*to = n
	}
	return v, true
}

// Known reports whether the version was seen.
func (v Version) Known() bool { return v.Text != "" }

// AtLeast reports whether v is known and not older than major.minor. LTS
// versions carry the minor of the weekly that they were cut from.
func (v Version) AtLeast(major, minor int) bool {
	return v.Known() && (v.Major > major || v.Major == major && v.Minor >= minor)
}

// Contract section 8: from 2.509 on the size header is the length of the file
// and the body keeps its console notes; from 2.534 on a log can be asked for as
// multipart, with a negative start.
func (v Version) sizeIsFileLength() bool { return v.AtLeast(2, 509) }
func (v Version) sizeIsPosition() bool   { return v.Known() && !v.AtLeast(2, 509) }
func (v Version) hasMultipartLog() bool  { return v.AtLeast(2, 534) }
