package printer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDetailAsMarkdown(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{Format: "md"}, colour, width(40))
	require.NoError(t, Item(x.p, incidents, sample()[0], view))
	assert.Equal(t, lines(`
		### API 5xx ratio above 2%

		triggered 6m ago · critical · api

		- **paged**: you (Operations primary, step 1) · next: secondary in 4m
		- **alert**: 5xx ratio 4.1% for 5m on api (threshold 2%)
		- **links**:
		  - dashboard  <https://monitor.example.test/d/api?from=1767999600000&to=1768003200000>
		  - playbook   api-5xx
		- **history**:
		  - 03:12:04  triggered by prometheus
		  - 03:12:06  paged you by push and then by a call to the phone
		- **log**:

		  `+"```"+`
		  | modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87
		  
		    indented
		  `+"```"+`

		- **notes**: none
		- **next**:
		  - `+"`oncall incident ack 4127`"+`
		  - `+"`oncall incident reroute 4127 --to user:secondary`"+`
		`), x.out.String())
}

func TestEscapeMarkdown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain text, 91% (x) #1": "plain text, 91% (x) #1",
		"a|b":                    `a\|b`,
		"<img src=x onerror=y>":  `&lt;img src=x onerror=y&gt;`,
		"&lt;":                   `&amp;lt;`,
		"[x](javascript:y)":      `\[x\](javascript:y)`,
		"![x](http://y)":         `!\[x\](<http://y>)`,
		"**b** _i_ `c` ~s~ $m$":  "\\*\\*b\\*\\* \\_i\\_ \\`c\\` \\~s\\~ \\$m\\$",
		`a\|b`:                   `a\\\|b`,
		"a\nb":                   `a\\nb`,
		"日本語 <":                  "日本語 &lt;",

		"https://a.test/x_y_z?b=1&c=*":     "<https://a.test/x_y_z?b=1&c=>\\*",
		"(see https://a.test/x_y), then _": "(see <https://a.test/x_y>), then \\_",
		"http://a.test/<b>":                "<http://a.test/>&lt;b&gt;",
		"<http://a.test|b>":                "&lt;<http://a.test>\\|b&gt;",
		"https:// http:// http https://_":  `https:// http:// http https://\_`,
		"http https_ http://b.test/_":      `http https\_ <http://b.test/>\_`,
		"[x](http://y.test/) javascript:_": `\[x\](<http://y.test/>) javascript:\_`,
	} {
		assert.Equal(t, want, escapeMarkdown(text), "%q", text)
	}
	for text, want := range map[string]string{
		"# heading": `\# heading`, "- item": `\- item`, "+ item": `\+ item`, "=== ": `\=== `, "12. item": `12\. item`, "1) item": `1\) item`,
		"    code": "code", "12 items": "12 items", "4127": "4127", "": "", "> quote": "&gt; quote", "* item": `\* item`,
	} {
		assert.Equal(t, want, escapeMarkdownLine(text), "%q", text)
	}
}

func TestCodeSpans(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "`a`", codeSpan("a"))
	assert.Equal(t, "``a`b``", codeSpan("a`b"))
	assert.Equal(t, "``` ``a ```", codeSpan("``a"))
	x := newSession(t, Options{Format: "md"})
	require.NoError(t, Item(x.p, incidents, sample()[0], func(d *Detail) { d.Block("log", "```", "</code><script>") }))
	assert.Equal(t, "- **log**:\n\n  ````\n  ```\n  </code><script>\n  ````\n\n", x.out.String())
}

// FuzzMarkdown: whatever the text, a table keeps its shape and holds neither
// HTML nor a link.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"plain", "a|b", `\|`, "<script>", "[x](y)", "a\nb", "\u2028", "`", "&lt;", "<https://a.test/_>", "http://", "xhttps://a|b<c", `\\`, "![", "\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x := newSession(t, Options{Format: "md"})
		require.NoError(t, List(x.p, incidents, []incident{{Number: text, Title: text}}, Meta{}))
		got := x.out.String()
		require.Equal(t, 3, strings.Count(got, "\n"))
		for _, after := range strings.Split(got, "<")[1:] {
			url, _, closed := strings.Cut(after, ">")
			assert.True(t, closed && strings.HasPrefix(url, "http") && strings.Contains(url, "://"), "%q", got)
			assert.False(t, strings.ContainsAny(url, " |\n\"`[]\\"), "%q", url)
		}
		for l := range strings.Lines(got) {
			assert.Equal(t, 8, unescaped(l, '|'), "%q", l)
			assert.Zero(t, unescaped(l, '['), "%q", l)
			assert.Zero(t, unescaped(l, '`'), "%q", l)
		}
	})
}

// unescaped counts a character where no backslash takes its meaning away.
func unescaped(line string, char byte) int {
	n, escaped := 0, false
	for i := range len(line) {
		if line[i] == char && !escaped {
			n++
		}
		escaped = line[i] == '\\' && !escaped
	}
	return n
}
