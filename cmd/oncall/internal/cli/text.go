package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/pkg/apierr"
)

// maxText bounds a text that is read: no vendor takes more, and a wrong file
// should be told early.
const maxText = 1 << 20

// Text is a long text that a command needs: from its flag, from a file ("-" is
// standard input), or typed in an editor.
type Text struct {
	Name  string // flag without dashes, for errors: "body"
	Given string // value of --body
	File  string // value of --body-file
	Start string // what the editor begins with
}

// ReadText returns the text without blanks around it. Without flag, file or a
// terminal for the editor it is a usage error; an empty text is one too.
func (f *Factory) ReadText(ctx context.Context, t Text) (string, error) {
	text, err := f.readText(ctx, t)
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", Usage("the %s is empty; nothing was sent", t.Name)
	}
	return text, nil
}

func (f *Factory) readText(ctx context.Context, t Text) (string, error) {
	switch {
	case t.Given != "" && t.File != "":
		return "", Usage("--%s and --%s-file: only one of them", t.Name, t.Name)
	case t.Given == "-", t.File == "-":
		return read(f.IO.In, t.Name, "standard input")
	case t.Given != "":
		return t.Given, nil
	case t.File != "":
		file, err := os.Open(t.File)
		if err != nil {
			return "", Usage("--%s-file: %v", t.Name, plain(err))
		}
		defer file.Close()
		return read(file, t.Name, t.File)
	}
	cfg, err := f.Config()
	if err != nil {
		return "", err
	}
	if cfg.Bool("no-input") || !f.IO.Interactive() {
		return "", Usage("no %s: give --%s, --%s-file FILE or - for standard input", t.Name, t.Name, t.Name)
	}
	return f.edit(ctx, t.Start)
}

func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return errors.New(p.Path + ": " + p.Err.Error())
	}
	return err
}

func read(r io.Reader, name, from string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return "", apierr.New(apierr.ErrUsage, "", "read the "+name, "%s: %v", from, plain(err))
	}
	if len(text) > maxText {
		return "", Usage("the %s in %s is longer than 1 MiB", name, from)
	}
	return string(text), nil
}

// edit lets the user write in their editor. Lines that begin with # are help
// and are left out.
func (f *Factory) edit(ctx context.Context, start string) (string, error) {
	editor := f.Env("VISUAL")
	if editor == "" {
		editor = f.Env("EDITOR")
	}
	if editor == "" {
		editor = "vi"
	}
	file, err := os.CreateTemp("", "oncall-*.md")
	if err != nil {
		return "", err
	}
	f.written = append(f.written, file.Name())
	_, err = file.WriteString(start + "\n# Lines that begin with # are left out; an empty text sends nothing.\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	// The editor may be words ("code --wait"): a shell takes them apart, the file
	// is an argument of its own.
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", file.Name())
	cmd.Stdout, cmd.Stderr = f.IO.Err, f.IO.Err
	if terminal, ok := f.IO.In.(*os.File); ok { // any other reader would be emptied for it
		cmd.Stdin = terminal
	}
	cmd.Env = f.ChildEnv()
	if err := cmd.Run(); err != nil {
		return "", apierr.New(apierr.ErrUsage, "", "", "the editor %q failed: %v; nothing was sent", editor, err)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		return "", err
	}
	return authored(string(text)), nil
}

// authored is a text without the lines of help.
func authored(text string) string {
	lines := []string{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// Texts ends with the texts that were written in an editor. They are removed when
// they have been used; of a command that failed, or was declined, they are kept and
// told: nobody writes them twice at 3 am. One that says nothing is not kept.
func (f *Factory) Texts(used bool) {
	for _, name := range f.written {
		if text, err := os.ReadFile(name); !used && err == nil && strings.TrimSpace(authored(string(text))) != "" {
			f.IO.Hint("your text is kept: --body-file %s", name)
			continue
		}
		_ = os.Remove(name)
	}
	f.written = nil
}

// ChildEnv is the environment for a program that oncall runs: the user's own,
// without the variables that hold oncall's secrets.
func (f *Factory) ChildEnv() []string {
	hidden := map[string]bool{}
	for _, o := range config.Options() {
		if o.Sensitive() {
			hidden[o.Env] = true
		}
	}
	out := []string{}
	if f.Environ == nil {
		return out
	}
	for _, line := range f.Environ() {
		if name, _, _ := strings.Cut(line, "="); !hidden[name] {
			out = append(out, line)
		}
	}
	return out
}
