package cli

// Busy tells a person at a terminal what is waited for, until the returned
// function is called: several reads of a vendor that allows two a second take a
// while. A pipe is told nothing.
func (f *Factory) Busy(what string) (done func()) {
	if !f.IO.ErrTTY {
		return func() {}
	}
	p := f.IO.Progress()
	p.Set(what, "")
	return p.End
}
