package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/root"
)

const module = "github.com/balena-io/oncall/"

// vendors are the client packages: each knows one vendor's wire and no other's.
var vendors = []string{"victorops", "statuspage", "jenkins", "loki", "prometheus", "grafana", "healthchecks", "nodeping", "balena"}

// file is one Go file of the tree.
type file struct {
	path    string // from the root of the tree: "pkg/httpx/call.go"
	pkg     string // folder
	test    bool
	imports []string
	ast     *ast.File
}

func sources(t *testing.T) []file {
	t.Helper()
	top := filepath.Join("..", "..")
	out := []file{}
	for _, dir := range []string{"cmd", "pkg", "docs"} {
		err := filepath.WalkDir(filepath.Join(top, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			if d.IsDir() || !strings.HasSuffix(p, ".go") {
				return nil
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(top, p)
			if err != nil {
				return err
			}
			f := file{path: filepath.ToSlash(rel), test: strings.HasSuffix(p, "_test.go"), ast: parsed}
			f.pkg = path.Dir(f.path)
			for _, i := range parsed.Imports {
				name, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					return err
				}
				f.imports = append(f.imports, name)
			}
			out = append(out, f)
			return nil
		})
		require.NoError(t, err)
	}
	require.Greater(t, len(out), 50, "the tree was not found")
	return out
}

// TestImportLaw holds the direction of imports: main, root, noun, the shared
// command code, capability, vendor client, transport.
func TestImportLaw(t *testing.T) {
	t.Parallel()
	rules := []struct {
		why   string
		where func(f file) bool
		not   func(f file, imp string) bool
	}{
		{
			"pkg/ knows nothing of the command line",
			func(f file) bool { return strings.HasPrefix(f.pkg, "pkg/") },
			func(_ file, imp string) bool {
				return oneOf(imp, "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/spf13/viper", "github.com/olekukonko/tablewriter") ||
					strings.HasPrefix(imp, module+"cmd/")
			},
		},
		{
			"config is the only user of viper",
			func(f file) bool { return f.pkg != "cmd/oncall/internal/config" },
			func(_ file, imp string) bool { return imp == "github.com/spf13/viper" },
		},
		{
			"printer is the only output",
			func(f file) bool { return f.pkg != "cmd/oncall/internal/printer" },
			func(_ file, imp string) bool { return strings.HasPrefix(imp, "github.com/olekukonko/tablewriter") },
		},
		{
			"httpx is the only transport",
			func(f file) bool { return !strings.HasPrefix(f.pkg, "pkg/httpx") },
			func(_ file, imp string) bool { return strings.HasPrefix(imp, "github.com/go-resty/") },
		},
		{
			"OpenAPI tooling costs 10 ms at start-up and is for tests",
			func(f file) bool { return !f.test },
			func(_ file, imp string) bool { return strings.HasPrefix(imp, "github.com/getkin/") },
		},
		{
			"testing is for tests",
			func(f file) bool {
				return !f.test && !oneOf(f.pkg, "cmd/oncall/internal/cli/clitest", "pkg/httpx/httpxtest", "pkg/judges", "pkg/loki/lokitest")
			},
			func(_ file, imp string) bool {
				return imp == "testing" || strings.HasPrefix(imp, "github.com/stretchr/") || strings.HasSuffix(imp, "/clitest") || strings.HasSuffix(imp, "/httpxtest") || strings.HasSuffix(imp, "/pkg/judges") || strings.HasSuffix(imp, "/lokitest")
			},
		},
		{
			"the simulator imports no client: a wrong tag would be wrong on both sides",
			func(f file) bool { return strings.HasPrefix(f.pkg, "pkg/simulator") && !f.test },
			func(_ file, imp string) bool {
				return strings.HasPrefix(imp, module) && !strings.HasPrefix(imp, module+"pkg/simulator") && imp != module+"pkg/lazyregexp"
			},
		},
		{
			"a vendor's client knows no other vendor and no capability",
			func(f file) bool { return vendorOf(f.pkg) != "" && !f.test },
			func(f file, imp string) bool {
				return strings.HasPrefix(imp, module+"pkg/") && !strings.HasPrefix(imp, module+"pkg/"+vendorOf(f.pkg)) &&
					!oneOf(strings.TrimPrefix(imp, module), "pkg/httpx", "pkg/apierr", "pkg/secret", "pkg/nearest", "pkg/when", "pkg/datasource", "pkg/atomicfile", "pkg/lazyregexp")
			},
		},
		{
			"transport, errors and secrets know nobody above them",
			func(f file) bool { return oneOf(f.pkg, "pkg/httpx", "pkg/apierr", "pkg/secret") && !f.test },
			func(_ file, imp string) bool {
				return strings.HasPrefix(imp, module) && !oneOf(strings.TrimPrefix(imp, module), "pkg/httpx", "pkg/apierr", "pkg/secret", "pkg/lazyregexp")
			},
		},
		{
			"a noun imports no noun; a sub-noun is imported by its parent alone",
			func(f file) bool {
				return strings.HasPrefix(f.pkg, "cmd/oncall/") && f.pkg != "cmd/oncall/root" && !f.test
			},
			func(f file, imp string) bool {
				rel, ours := strings.CutPrefix(imp, module)
				if !ours || !strings.HasPrefix(rel, "cmd/oncall/") || strings.HasPrefix(rel, "cmd/oncall/internal/") {
					return false
				}
				if oneOf(f.pkg, "cmd/oncall/internal/cli/clitest") {
					return rel != "cmd/oncall/root"
				}
				return path.Dir(rel) != f.pkg
			},
		},
		{
			"the shared command code knows no noun",
			func(f file) bool {
				return strings.HasPrefix(f.pkg, "cmd/oncall/internal/") && f.pkg != "cmd/oncall/internal/cli/clitest" && !f.test
			},
			func(_ file, imp string) bool {
				rel, ours := strings.CutPrefix(imp, module)
				return ours && strings.HasPrefix(rel, "cmd/oncall/") && !strings.HasPrefix(rel, "cmd/oncall/internal/")
			},
		},
	}
	for _, f := range sources(t) {
		for _, r := range rules {
			if !r.where(f) {
				continue
			}
			for _, imp := range f.imports {
				if r.not(f, imp) {
					t.Errorf("%s imports %s: %s", f.path, imp, r.why)
				}
			}
		}
	}
}

func vendorOf(pkg string) string {
	parts := strings.Split(pkg, "/")
	if len(parts) >= 2 && parts[0] == "pkg" && slices.Contains(vendors, parts[1]) {
		return parts[1]
	}
	return ""
}

func oneOf(s string, list ...string) bool { return slices.Contains(list, s) }

// TestGlobalsAreInjected holds that environment, streams and exit are touched
// where the process begins and nowhere else, so that a test can give its own.
func TestGlobalsAreInjected(t *testing.T) {
	t.Parallel()
	banned := map[string][]string{
		"os":   {"Getenv", "LookupEnv", "Environ", "Exit", "Stdin", "Stdout", "Stderr"},
		"fmt":  {"Print", "Printf", "Println"},
		"http": {"DefaultClient", "DefaultTransport", "Get", "Post", "Head", "PostForm"},
	}
	// Where a process begins.
	allowed := []string{"cmd/oncall/main.go", "cmd/oncall/root/main.go", "cmd/oncall/internal/ios/ios.go", "cmd/oncall/internal/config/paths.go", "docs/gen/main.go"}
	for _, f := range sources(t) {
		if f.test || slices.Contains(allowed, f.path) || oneOf(f.pkg, "pkg/httpx/httpxtest", "pkg/judges", "pkg/loki/lokitest") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(banned[x.Name], sel.Sel.Name) {
				t.Errorf("%s uses %s.%s: it comes through cli.Deps", f.path, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestRegularExpressionsWait holds that none is compiled while the program
// starts, and, as they would panic at their first use, that each one compiles.
func TestRegularExpressionsWait(t *testing.T) {
	t.Parallel()
	n := 0
	for _, f := range sources(t) {
		if f.test || f.pkg == "pkg/lazyregexp" {
			continue
		}
		ast.Inspect(f.ast, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name := exprName(call.Fun); name {
			case "regexp.MustCompile", "regexp.MustCompilePOSIX":
				t.Errorf("%s uses %s: lazyregexp.New compiles at the first use", f.path, name)
			case "lazyregexp.New":
				if text, ok := constantText(call.Args[0]); ok {
					n++
					_, err := regexp.Compile(text)
					assert.NoError(t, err, f.path)
				}
			}
			return true
		})
	}
	assert.Greater(t, n, 50, "the expressions were not found")
}

func exprName(e ast.Expr) string {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok {
			return x.Name + "." + sel.Sel.Name
		}
	}
	return ""
}

// constantText is the text of a literal, or of literals put together.
func constantText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		x, xOK := constantText(e.X)
		y, yOK := constantText(e.Y)
		return x + y, xOK && yOK
	}
	return "", false
}

// tree is the whole tree of commands, made with nothing behind it.
func tree() *cobra.Command {
	return root.New(cli.New(cli.Deps{
		IO:        &ios.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard},
		LookupEnv: func(string) (string, bool) { return "", false },
	}))
}

// leaves calls fn for each command that does something.
func leaves(cmd *cobra.Command, fn func(*cobra.Command)) {
	if !cmd.HasSubCommands() && cmd.Runnable() && cmd.Name() != "help" {
		fn(cmd)
	}
	for _, c := range cmd.Commands() {
		if c.Name() != "completion" {
			leaves(c, fn)
		}
	}
}

var kebab = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// TestLeafRules holds what every command owes its user.
func TestLeafRules(t *testing.T) {
	t.Parallel()
	n := 0
	leaves(tree(), func(cmd *cobra.Command) {
		n++
		where := cmd.CommandPath()
		assert.NotEmpty(t, cmd.Short, "%s: Short", where)
		assert.False(t, strings.HasSuffix(cmd.Short, "."), "%s: Short ends with a full stop", where)
		assert.LessOrEqual(t, len(cmd.Short), 80, "%s: Short is one line", where)
		assert.Contains(t, cmd.Example, where, "%s: Example shows the command", where)
		assert.NotNil(t, cmd.Args, "%s: Args", where)
		assert.NotNil(t, cmd.ValidArgsFunction, "%s: completion of its arguments (cobra.NoFileCompletions when there is none)", where)
		assert.NotNil(t, cmd.RunE, "%s: RunE, so that errors come back", where)
		assert.Nil(t, cmd.Run, "%s: RunE alone", where)
		assert.Nil(t, cmd.PersistentPreRunE, "%s: only root has one", where)
		cmd.Flags().VisitAll(func(fl *pflag.Flag) {
			assert.Regexp(t, kebab, fl.Name, "%s", where)
			assert.NotEmpty(t, fl.Usage, "%s --%s: help", where, fl.Name)
			assert.False(t, strings.HasSuffix(fl.Usage, "."), "%s --%s: help ends with a full stop", where, fl.Name)
		})
		if cli.Changes(cmd) {
			for _, name := range []string{"dry-run", "yes", "reason", "incident"} {
				assert.NotNil(t, cmd.Flags().Lookup(name), "%s changes something and has no --%s", where, name)
			}
		} else {
			assert.Nil(t, cmd.Flags().Lookup("dry-run"), "%s has --dry-run; mark it with cli.ChangeFlags", where)
		}
		assert.NotNil(t, cmd.InheritedFlags().Lookup("output"), "%s takes -o", where)
		cmd.LocalNonPersistentFlags().VisitAll(func(own *pflag.Flag) {
			if where == "oncall status incident create" && own.Name == "template" {
				return // Statuspage's own word, for the text of what is posted
			}
			assert.Nil(t, cmd.Root().PersistentFlags().Lookup(own.Name), "%s takes the global --%s for something else", where, own.Name)
		})
	})
	assert.Greater(t, n, 10, "the tree was not walked")
}

// TestGroupsRejectUnknownWords: by itself cobra prints help and exits 0.
func TestGroupsRejectUnknownWords(t *testing.T) {
	t.Parallel()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.HasSubCommands() && !oneOf(cmd.Name(), "completion") {
			if assert.NotNil(t, cmd.RunE, "%s: made with cli.Group", cmd.CommandPath()) {
				err := cmd.RunE(cmd, []string{"xyzzy"})
				assert.ErrorContains(t, err, `"xyzzy" is not a command of `+cmd.CommandPath())
			}
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(tree())
}

// TestPathYouTypeIsPathYouOpen: `oncall status set` is cmd/oncall/status/set.go.
func TestPathYouTypeIsPathYouOpen(t *testing.T) {
	t.Parallel()
	// Go cannot import a package named init; the rest belongs to the root.
	special := map[string]string{"oncall init": "setup/init.go", "oncall version": "root/version.go"}
	leaves(tree(), func(cmd *cobra.Command) {
		words := strings.Fields(cmd.CommandPath())[1:]
		want := special[cmd.CommandPath()]
		if want == "" && len(words) == 1 {
			want = words[0] + "/" + words[0] + ".go"
		}
		if want == "" {
			want = path.Join(words...) + ".go"
		}
		_, err := os.Stat(filepath.FromSlash(want))
		assert.NoError(t, err, "%s", cmd.CommandPath())
	})
}
