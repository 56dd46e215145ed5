package pager

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// portal is where people see VictorOps (note 3: the link's form).
const portal = "https://portal.victorops.com/client/"

// link returns an incident's address in the portal. The vendor's own, which old
// accounts send, wins.
func link(v victorops.Incident, org string) string {
	if Web(v.IncidentURL) {
		return v.IncidentURL
	}
	if org == "" || v.Number == "" {
		return ""
	}
	return portal + url.PathEscape(org) + "#/incident/" + url.PathEscape(string(v.Number))
}

// Web reports whether a link from a vendor may be opened: http or https, with a host.
func Web(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// organisation returns the slug for links: Org, or the companyId of maintenance
// mode (note 3: unsure). Without either it is "", which is no error.
func (p *Pager) organisation(ctx context.Context) string {
	if p.Org != "" {
		return p.Org
	}
	org, err := p.org.get(ctx, func(ctx context.Context) (string, error) {
		m, err := p.Client.Maintenance(ctx)
		return m.CompanyID, err
	})
	if err != nil {
		return ""
	}
	return org
}

// knownOrganisation is the slug without asking for it; "" when nobody did yet.
func (p *Pager) knownOrganisation() string {
	if p.Org != "" {
		return p.Org
	}
	org, _ := p.org.peek()
	return org
}

// Link returns the portal's page of an incident. It does not ask whether the
// incident exists. Without an organisation it is an apierr.ErrUsage.
func (p *Pager) Link(ctx context.Context, number string) (string, error) {
	org := p.organisation(ctx)
	if org == "" {
		return "", apierr.New(apierr.ErrUsage, victorops.Vendor, "open "+number, "the organisation's name in the portal is not known").
			WithHint("set ONCALL_VICTOROPS_ORG, or: oncall config set victorops.org NAME")
	}
	return link(victorops.Incident{Number: victorops.ID(number)}, org), nil
}

// Snooze always fails: VictorOps has no API for it (note 3). The error is an
// apierr.ErrUnsupported whose hint leads to the incident in the portal, where it
// can be done, and says what to choose there for a length (0: not told).
func (p *Pager) Snooze(ctx context.Context, number string, length time.Duration) error {
	how := "in steps of 30 minutes, up to 24 h"
	if length > 0 {
		steps := min((length+snoozeStep-1)/snoozeStep*snoozeStep, snoozeMost)
		how = "choose " + hours(steps) + " there (" + how + ")"
	}
	e := apierr.New(apierr.ErrUnsupported, victorops.Vendor, "snooze "+number, "VictorOps has no API for it; the portal has: %s", how)
	if link, err := p.Link(ctx, number); err == nil {
		return e.WithHint("%s", link)
	}
	return e.WithHint("%s", strings.TrimSuffix(portal, "/client/"))
}

// Steps and limit of a snooze in the portal (note 3: docs).
const (
	snoozeStep = 30 * time.Minute
	snoozeMost = 24 * time.Hour
)

// hours is a length in whole half hours: 30m, 2h, 1h 30m.
func hours(d time.Duration) string {
	parts := []string{}
	if h := int(d.Hours()); h > 0 {
		parts = append(parts, itoa(h)+"h")
	}
	if m := int(d.Minutes()) % 60; m > 0 {
		parts = append(parts, itoa(m)+"m")
	}
	return strings.Join(parts, " ")
}

// Number reads what people type or paste for an incident: 4127, #4127,
// incident/4127, or its address in the portal. Zeros in front are dropped, as the
// vendor would take 04127 for 4127 and there would be two of one. Anything else is
// an apierr.ErrUsage.
func Number(s string) (string, error) {
	n := strings.TrimSpace(s)
	if i := strings.LastIndex(n, "incident/"); i >= 0 {
		n = n[i+len("incident/"):]
		if end := strings.IndexAny(n, "/?#&"); end >= 0 {
			n = n[:end]
		}
	}
	n = strings.TrimPrefix(n, "#")
	if bare := strings.TrimLeft(n, "0"); bare != "" {
		n = bare
	}
	if n == "" || len(n) > 18 || strings.Trim(n, "0123456789") != "" {
		return "", apierr.New(apierr.ErrUsage, victorops.Vendor, "", "%q is not an incident number", s).
			WithHint("oncall incident list")
	}
	return n, nil
}
