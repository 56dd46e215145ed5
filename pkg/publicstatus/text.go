package publicstatus

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// maxReason bounds a reason of ours: it lives in the incident's metadata.
const maxReason = 500

// CheckTitle refuses a title that the vendor would refuse or cut: empty, longer
// than statuspage.MaxName characters, or not one line of text.
func CheckTitle(title string) error {
	switch n := utf8.RuneCountInString(title); {
	case !utf8.ValidString(title):
		return usage("the title is not UTF-8 text")
	case strings.TrimSpace(title) == "":
		return usage("the title is empty")
	case n > statuspage.MaxName:
		return usage("the title has %d characters; the page takes %d", n, statuspage.MaxName)
	case strings.ContainsFunc(title, unicode.IsControl):
		return usage("the title is not one line of text")
	}
	return nil
}

// CheckBody refuses a text that the vendor would refuse or cut.
func CheckBody(body string) error {
	switch n := utf8.RuneCountInString(body); {
	case !utf8.ValidString(body):
		return usage("the body is not UTF-8 text")
	case n > statuspage.MaxBody:
		return usage("the body has %d characters; the page takes %d", n, statuspage.MaxBody).
			WithHint("publish the rest as the postmortem, or link to it")
	case strings.ContainsFunc(body, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		return usage("the body holds control characters")
	}
	return nil
}

// CheckReason refuses a reason that says nothing or too much.
func CheckReason(reason string) error {
	switch n := utf8.RuneCountInString(reason); {
	case !utf8.ValidString(reason):
		return usage("the reason is not UTF-8 text")
	case strings.TrimSpace(reason) == "":
		return usage("the reason is empty")
	case n > maxReason:
		return usage("the reason has %d characters; %d are enough", n, maxReason)
	case strings.ContainsFunc(reason, unicode.IsControl):
		return usage("the reason is not one line of text")
	}
	return nil
}

// DefaultBody is what the vendor's own form proposes for a state, "" for one
// that needs words of one's own.
func DefaultBody(s statuspage.IncidentStatus) string {
	switch s {
	case statuspage.Investigating:
		return "We are currently investigating this issue."
	case statuspage.Identified:
		return "The issue has been identified and a fix is being implemented."
	case statuspage.Monitoring:
		return "A fix has been implemented and we are monitoring the results."
	case statuspage.Resolved:
		return "This incident has been resolved."
	case statuspage.InProgress:
		return "Scheduled maintenance is currently in progress. We will provide updates as necessary."
	case statuspage.Verifying:
		return "Verification is currently underway for the maintenance items."
	case statuspage.Completed:
		return "The scheduled maintenance has been completed."
	}
	return ""
}
