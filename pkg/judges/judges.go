// Package judges finds what judges the project from outside: programs, clients and
// documents that nobody here wrote. Tests use it.
package judges

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Absent skips a test whose judge is not there, and fails it where all of them are
// required: ONCALL_JUDGES=required.
func Absent(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("ONCALL_JUDGES") == "required" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Contract is the path of a vendor's document, in the folder that ONCALL_CONTRACTS
// names.
func Contract(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("ONCALL_CONTRACTS")
	if dir == "" {
		Absent(t, "ONCALL_CONTRACTS names no folder with the vendors' documents")
	}
	return filepath.Join(dir, name)
}

// Modules is the folder of the npm modules, which ONCALL_NODE_JUDGES names.
func Modules(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ONCALL_NODE_JUDGES")
	if dir == "" {
		Absent(t, "ONCALL_NODE_JUDGES names no folder with npm's modules; tools/judges/install.sh installs them")
	}
	return dir
}

// Program is the path of a program, which a package of Debian's brings.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Absent(t, name+" is not installed: apt-get install "+debian)
	}
	return path
}
