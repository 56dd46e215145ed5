package logs

import (
	"strconv"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// folded is what names one thing among many inside a longer value, above all in
// the path of a request: a uuid, a digest, a number or a quoted word behind a
// separator, and everything behind a question mark. A value that is nothing but a
// number or an id has no separator and stays, as does the v2 of an API.
//
// It is sent to servers too, so it is RE2.
const folded = `([/(=,])(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}|[0-9a-fA-F]{12,}\b|[0-9][0-9.]*\b|'[^']*')|(\?).+`

// foldTo writes what Fold leaves of a match of folded.
const foldTo = "${1}${2}" + varies

var foldRule = lazyregexp.New(folded)

// Fold hides what names one thing among many, so that the requests for a
// thousand devices are one path: /device/v2/9f3c…/state is /device/v2/<_>/state.
// What is folded already stays as it is.
func Fold(value string) string {
	return foldRule().ReplaceAllString(value, foldTo)
}

// foldStage is Fold of a field in LogQL, for servers that count.
func foldStage(field string) string {
	// A template cannot hold a backquote, and neither does the rule.
	return " | label_format " + field + "=`{{ regexReplaceAll " + strconv.Quote(folded) + " ." + field + " " + strconv.Quote(foldTo) + " }}`"
}
