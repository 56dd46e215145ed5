package pager

import "slices"

// Mine reports whether an incident paged User or is held by User. Team
// membership, which Filter.Mine counts too, does not make it so: what is mine is
// mine to resolve.
func (p *Pager) Mine(i Incident) bool {
	me := self{names: []string{p.User}}
	return slices.ContainsFunc(i.PagedUsers, me.is) || me.is(i.AckedBy)
}
