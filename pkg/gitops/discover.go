package gitops

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Proposal is a place where a version seems to be written. It is for a person to
// check: nothing acts on it.
type Proposal struct {
	Component string `json:"component"` // a name made of the container, the folder or the file
	Version   string `json:"version"`
	File      string `json:"file"`
	Format    Format `json:"format"`
	Path      string `json:"path,omitempty"`
	Image     string `json:"image,omitempty"`    // name of a kustomization's entry
	Document  string `json:"document,omitempty"` // where the file has several that fit
}

// discoverFiles bounds how many files are read.
const discoverFiles = 5000

// Discover looks through the YAML files below a folder at a commit. skipped is
// how many could not be read: templates, encrypted ones, no YAML.
func (m *Mirror) Discover(ctx context.Context, commit, under string) (found []Proposal, skipped int, err error) {
	args := []string{"ls-tree", "-r", "-z", "--name-only", "--end-of-options", commit}
	if under != "" {
		args = append(args, "--", under)
	}
	out, err := m.git(ctx, nil, args...)
	if err != nil {
		return nil, 0, err
	}
	names, files := []string{}, []string{}
	for _, f := range strings.Split(string(out), "\x00") {
		ext := path.Ext(f)
		if (ext == ".yaml" || ext == ".yml") && !strings.ContainsAny(f, "\n") && len(files) < discoverFiles {
			files, names = append(files, f), append(names, commit+":"+f)
		}
	}
	blobs, err := m.blobs(ctx, names)
	if err != nil {
		return nil, 0, err
	}
	found = []Proposal{}
	for i, b := range blobs {
		here, ok := propose(files[i], b.data)
		if !ok {
			skipped++
		}
		found = append(found, here...)
	}
	return found, skipped, nil
}

// propose finds the places in one file. ok is false when it cannot be read.
func propose(file string, data []byte) (out []Proposal, ok bool) {
	docs, err := documents(data)
	if err != nil || bytes.HasPrefix(data, gitCrypt) {
		return nil, false
	}
	for _, d := range docs {
		if child(d, "sops") != nil {
			return nil, false
		}
		for _, p := range candidates(file, d) {
			l := Location{File: file, Format: p.Format, Path: p.Path, Image: p.Image, Document: p.Document}
			v, err := in(d, l)
			if err != nil {
				continue // a template, a range, no tag: nothing to propose
			}
			if len(docs) == 1 {
				p.Document = ""
			}
			p.File, p.Version = file, v.Version
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out, true
}

// candidates are the places of a document that are worth a look (contract
// section 2).
func candidates(file string, d *yaml.Node) []Proposal {
	out := []Proposal{}
	name := nameOf(d)
	for _, pod := range []string{"spec.template.spec", "spec.jobTemplate.spec.template.spec"} {
		steps, err := parsePath(pod + ".containers")
		if err != nil {
			continue
		}
		list, err := walk(d, steps, Location{File: file})
		if list = resolved(list); err != nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, c := range list.Content {
			if n := text(child(c, "name")); n != "" {
				out = append(out, Proposal{Component: n, Format: FormatPath, Path: pod + ".containers[" + n + "].image", Document: name})
			}
		}
	}
	switch images := resolved(child(d, "images")); {
	case text(child(d, "kind")) == "HelmRelease":
		out = append(out, Proposal{Component: text(child(child(d, "metadata"), "name")), Format: FormatHelm, Path: "spec.values.image", Document: name})
	case images != nil && images.Kind == yaml.SequenceNode:
		for _, e := range images.Content {
			if n := text(child(e, "name")); n != "" {
				out = append(out, Proposal{Component: afterSlash(n), Format: FormatKustomize, Image: n})
			}
		}
	case child(d, "image_tag") != nil:
		out = append(out, Proposal{Component: path.Base(path.Dir(file)), Format: FormatFile, Path: "image_tag"})
	}
	return out
}
