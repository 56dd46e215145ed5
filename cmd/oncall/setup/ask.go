package setup

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
)

const defaultName = "production"

// ask fills in what the flags left open.
func (o *initOptions) ask(ctx context.Context, a *answers) error {
	o.f.IO.Note("Enter takes what stands in brackets; Ctrl-C leaves everything as it is.")
	o.f.IO.Note("What has a good default is not asked for: oncall config view --all shows it.")
	if a.name == "" {
		name, err := o.until(ctx, "name of the context", defaultName, config.CheckContextName)
		if err != nil {
			return err
		}
		a.name = name
	}
	if a.user == "" {
		user, err := o.until(ctx, "your user name in the pager", o.f.Env("ONCALL_USER"), nil)
		if err != nil {
			return err
		}
		a.user = user
	}
	for _, s := range config.Services() {
		// Services named by flag are set up without asking whether.
		if !contains(a.services, s) {
			// Where nobody signs in (deploy, registry) the defaults will do.
			signsIn := slices.ContainsFunc(config.ServiceOptions(s), config.Option.Sensitive)
			if len(o.services) > 0 || len(o.sets) > 0 || !signsIn {
				continue
			}
			yes, err := o.yesNo(ctx, "set up "+s+"?", s == "victorops")
			if err != nil {
				return err
			}
			if !yes {
				continue
			}
			a.add(s)
		}
		if err := o.askService(ctx, a, s); err != nil {
			return err
		}
	}
	return nil
}

// askService asks for a service's settings that nobody can guess: those it needs
// and what a person would look for. What has a default, such as the address of a
// hosted service, is left to config set: a question less is a mistake less.
func (o *initOptions) askService(ctx context.Context, a *answers, service string) error {
	for _, opt := range config.ServiceOptions(service) {
		label := service + " " + strings.TrimPrefix(opt.Key, service+".")
		switch {
		case a.has(opt.Key), opt.Kind == config.Path, opt.Default != "", opt.Kind == config.Secret && !opt.Required:
		case opt.Kind == config.Secret:
			if err := o.askSecret(ctx, a, label, opt); err != nil {
				return err
			}
		default:
			value, err := o.askValue(ctx, label+" ("+opt.Help+")", opt)
			if err != nil {
				return err
			}
			if value != "" && value != opt.Default {
				a.settings = append(a.settings, setting{opt.Key, value})
			}
		}
	}
	return nil
}

func (a *answers) has(key string) bool {
	for _, s := range a.settings {
		if s.key == key {
			return true
		}
	}
	return false
}

func (o *initOptions) askSecret(ctx context.Context, a *answers, label string, opt config.Option) error {
	for {
		text, err := o.f.IO.AskHidden(ctx, label+" ("+opt.Help+"; not shown, Enter leaves it for later): ")
		if err != nil {
			return ended(err)
		}
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		if err := config.CheckSecret(text); err != nil {
			o.f.IO.Note("%v", err)
			continue
		}
		a.secrets = append(a.secrets, typed{opt.Key, text})
		return nil
	}
}

// askValue asks until the value is one that the file would take; empty leaves
// the setting open.
func (o *initOptions) askValue(ctx context.Context, label string, opt config.Option) (string, error) {
	for {
		text, err := o.line(ctx, label, opt.Default)
		if err != nil || text == "" {
			return "", err
		}
		if err := opt.Check(text); err != nil {
			o.f.IO.Note("%v", err)
			continue
		}
		return text, nil
	}
}

// until asks until there is an answer that check takes.
func (o *initOptions) until(ctx context.Context, label, otherwise string, check func(string) error) (string, error) {
	for {
		text, err := o.line(ctx, label, otherwise)
		if err != nil {
			return "", err
		}
		if text == "" {
			o.f.IO.Note("this one is needed")
			continue
		}
		if check != nil {
			if err := check(text); err != nil {
				o.f.IO.Note("%v", err)
				continue
			}
		}
		return text, nil
	}
}

func (o *initOptions) yesNo(ctx context.Context, question string, otherwise bool) (bool, error) {
	choice := " [y/N] "
	if otherwise {
		choice = " [Y/n] "
	}
	for {
		text, err := o.f.IO.Ask(ctx, question+choice)
		if err != nil {
			return false, ended(err)
		}
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "":
			return otherwise, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

func (o *initOptions) line(ctx context.Context, label, otherwise string) (string, error) {
	question := label + ": "
	if otherwise != "" {
		question = label + " [" + otherwise + "]: "
	}
	text, err := o.f.IO.Ask(ctx, question)
	if err != nil {
		return "", ended(err)
	}
	if text = strings.TrimSpace(text); text == "" {
		return otherwise, nil
	}
	return text, nil
}

// ended is the error of an input that ends amid the questions.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return exit.With(exit.NotConfirmed, cli.Usage("init: the input ended; nothing was written"))
	}
	return err
}
