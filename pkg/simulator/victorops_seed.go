package simulator

import (
	"time"
)

func voSlug(prefix, name string) string {
	return prefix + "-" + tokenFor(16, alphabetAlnum, prefix, name)
}

// Slugs of the demo organisation. The policy of Devices is an old one that
// carries its team's slug (note 1).
var (
	voTeamOps     = voSlug("team", TeamOperations)
	voTeamDevices = voSlug("team", TeamDevices)
	voTeamSupport = voSlug("team", TeamSupport)
	voRotaOps     = voSlug("rtg", TeamOperations)
	voRotaDevices = voSlug("rtg", TeamDevices)
	voRotaSupport = voSlug("rtg", TeamSupport)
	voPolPrimary  = voSlug("pol", "Operations primary")
	voPolLow      = voSlug("pol", "Operations low urgency")
	voPolSupport  = voSlug("pol", "Support desk")
)

func seedVictorOps(s *State, vo *victoropsState) {
	vo.Alerts, vo.Alarms = map[string]voAlert{}, map[string]voAlarm{}
	seedVoPeople(s, vo)
	seedVoTeams(s, vo)
	seedVoIncidents(s, vo)
}

func seedVoPeople(s *State, vo *victoropsState) {
	for i, p := range People() {
		vo.Users = append(vo.Users, &voUser{
			Username: p.Username, FirstName: p.FirstName, LastName: p.LastName, Email: p.Email,
			CreatedAt: s.StartedAt.AddDate(-2, 0, -i), ID: int(s.nextID("victorops.user")),
			Contacts: []voContact{}, Steps: []voStep{}, Custom: []voCustom{},
		})
	}
	// you: a device and a verified phone, push now and a call within ten minutes.
	// secondary: the same on another phone, and calls at once at night.
	// manager: an unverified phone and no device; only the mail arrives.
	type how struct {
		device        string
		phoneVerified bool
	}
	for _, u := range vo.Users {
		h := how{device: "iPhone", phoneVerified: true}
		switch u.Username {
		case UserSecondary, UserDevices2:
			h.device = "Android"
		case UserManager:
			h = how{}
		case UserSupport:
			h.device = ""
		}
		p, _ := find(People(), func(p Person) bool { return p.Username == u.Username })
		mail := newVoContact(s, "emails", "Default", u.Email, true)
		phone := newVoContact(s, "phones", "Mobile", p.Phone, h.phoneVerified)
		u.Contacts = append(u.Contacts, mail, phone)
		call := voRule{Type: "phone", ContactID: phone.ID, ContactType: "Phone"}
		sms := voRule{Type: "sms", ContactID: phone.ID, ContactType: "Phone"}
		letter := voRule{Type: "email", ContactID: mail.ID, ContactType: "Email"}
		push := voRule{Type: "push", ContactID: 0, ContactType: "Phone"}
		switch {
		case u.Username == UserManager:
			u.Steps = []voStep{{15, []voRule{letter}}, {30, []voRule{call}}}
		case h.device == "":
			u.Steps = []voStep{{5, []voRule{letter, sms}}, {10, []voRule{call}}}
		default:
			u.Contacts = append(u.Contacts, newVoContact(s, "devices", u.FirstName+"'s phone", h.device, true))
			u.Steps = []voStep{{5, []voRule{push}}, {5, []voRule{call}}, {15, []voRule{sms, call}}}
		}
		if u.Username == UserSecondary {
			u.Custom = []voCustom{{
				Name: "Nights", Slug: "ppol-" + tokenFor(16, alphabetAlnum, "nights"), Start: "22:00", End: "07:00",
				Steps: []voStep{{1, []voRule{push, call}}, {5, []voRule{call}}},
			}}
		}
	}
}

func seedVoTeams(s *State, vo *victoropsState) {
	vo.Teams = []*voTeam{
		{Name: TeamOperations, Slug: voTeamOps, Members: []string{UserYou, UserSecondary, UserManager}, Admins: []string{UserManager}, Default: true},
		{Name: TeamDevices, Slug: voTeamDevices, Members: []string{UserDevices, UserDevices2}, Admins: []string{UserDevices}},
		{Name: TeamSupport, Slug: voTeamSupport, Members: []string{UserSupport}, Admins: []string{UserSupport}},
	}
	// A turn is a week and rolls at nine in the morning, local time. Yours began
	// five days ago; the next is secondary's, in two days.
	roll := func(daysAgo, hour int) time.Time {
		l := s.StartedAt.In(zone())
		return time.Date(l.Year(), l.Month(), l.Day()-daysAgo, hour, 0, 0, 0, zone()).UTC()
	}
	// Support covers twelve hours a day and not these: a gap from one hour before
	// the start of the world (or less) until about three hours after it.
	hour := s.StartedAt.In(zone()).Hour()
	vo.Rotations = []*voRotation{
		{Slug: voRotaOps, Label: "Operations weekly", Team: voTeamOps, ID: 101, Shift: "all day", Anchor: roll(5, 9), Days: 7, Hours: 24, Members: []string{UserYou, UserSecondary}},
		{Slug: voRotaDevices, Label: "Devices weekly", Team: voTeamDevices, ID: 102, Shift: "all day", Anchor: roll(3, 9), Days: 7, Hours: 24, Members: []string{UserDevices, UserDevices2}},
		{Slug: voRotaSupport, Label: "Support desk", Team: voTeamSupport, ID: 103, Shift: "desk hours", Anchor: roll(28, (hour+3)%24), Days: 7, Hours: 12, Members: []string{UserSupport}},
	}
	rota := func(slug string) []voEntry { return []voEntry{{"rotation_group", slug}} }
	next := func(slug string) []voEntry { return []voEntry{{"rotation_group_next", slug}} }
	vo.Policies = []*voPolicy{
		{Name: "Operations primary", Slug: voPolPrimary, Team: voTeamOps, Steps: []voPolicyStep{
			{0, rota(voRotaOps)}, {10, next(voRotaOps)}, {20, []voEntry{{"user", UserManager}}},
		}},
		{Name: "Operations low urgency", Slug: voPolLow, Team: voTeamOps, Steps: []voPolicyStep{
			{0, rota(voRotaOps)}, {60, next(voRotaOps)},
		}},
		{Name: TeamDevices, Slug: voTeamDevices, Team: voTeamDevices, Steps: []voPolicyStep{
			{0, rota(voRotaDevices)}, {15, []voEntry{{"email", "devices@example.test"}}},
		}},
		{Name: "Support desk", Slug: voPolSupport, Team: voTeamSupport, Steps: []voPolicyStep{{0, rota(voRotaSupport)}}},
	}
	vo.Keys = []voKey{
		{Key: "ops", Policies: []string{voPolPrimary}},
		{Key: "ops-low", Policies: []string{voPolLow}},
		{Key: "devices", Policies: []string{voTeamDevices}},
		{Key: "support", Policies: []string{voPolSupport}},
		{Key: ".+", Policies: []string{voPolPrimary}, Default: true},
	}
}

// voPast is an incident of the past.
type voPast struct {
	entity, title, message, service, host, tool, key string
	began, acked, ended                              time.Duration // before the start; 0 is never
	by                                               string        // who acknowledged it
	words                                            string        // what he said
}

func seedVoIncidents(s *State, vo *victoropsState) {
	const day, h, m = 24 * time.Hour, time.Hour, time.Minute
	s.Counters["victorops.incident"] = 4115
	past := []voPast{
		{"prometheus/ImageMakerErrors", "Image maker fails 5% of builds", "38 of 720 in 1h", "image-maker", "image-maker-1", MonitorProm, "ops", 16 * day, 16*day - 3*m, 16*day - 19*m, UserSecondary, ""},
		{"prometheus/VPNConnectionsLow", "Cloudlink connections 12% below yesterday", "connections: 88,412", "vpn", "vpn-3", MonitorProm, "ops", 12 * day, 12*day - 4*m, 12*day - 47*m, UserSecondary, "an ISP in Brazil"},
		{"prometheus/BuilderQueue/arm64", "Builder queue arm64 above 20", "queue 31 for 10m", "builder", "builder-arm64-2", MonitorProm, "ops", 9 * day, 9*day - 7*m, 9*day - 38*m, UserYou, "restarted builder-arm64-2"},
		{"prometheus/DiskFull/registry-2", "Disk 91% on registry-2", "disk usage 91% (threshold 90%)", "infra", "registry-2", MonitorProm, "ops", ForgottenBefore + 8*m, ForgottenBefore, 0, UserSecondary, "rotating logs &amp; watching"},
		{"prometheus/CertExpiry/proxy", "Certificate of proxy expires in 7 days", "notAfter in 6d 23h", "proxy", "proxy-1", MonitorProm, "ops-low", 3 * day, 3*day - 25*m, 3*day - 90*m, UserYou, "renewed"},
		{"prometheus/RDSConnections/api-main", "Database connections above 80% on api-main", "connections 412 of 500", "db", RDSInstance, MonitorProm, "ops", 2*day + 5*h, 2*day + 5*h - 2*m, 2*day + 4*h, UserYou, ""},
		{"prometheus/RegistryLatency", "Registry p99 above 5s", "p99 6.2s for 5m", "registry", "registry-1", MonitorProm, "ops", 31 * h, 0, 31*h - 3*m, "", ""},
		{"prometheus/LokiIngestLag", "Loki is 10 minutes behind", "lag 612s (threshold &gt; 600s)", "loki", "loki-write-0", MonitorProm, "ops", 26 * h, 26*h - 2*m, 26*h - 14*m, UserSecondary, ""},
		{"prometheus/NodeDown/worker-17", "Node worker-17 not ready", "kubelet stopped posting status", "infra", "worker-17", MonitorProm, "ops", 9 * h, 9*h - 5*m, 9*h - 22*m, UserYou, "drained and replaced"},
	}
	for _, p := range past {
		vo.happened(s, p)
	}

	// A drill of another team, by hand, that nobody cleaned up.
	drill := voAlert{
		Type: "CRITICAL", EntityID: uuidFor("victorops drill"), At: s.StartedAt.Add(-2 * h), Started: s.StartedAt.Add(-2 * h),
		Title: "TEST please ignore: paging drill", Message: "drill of the Devices team", Tool: "vouser-" + UserDevices,
	}
	i := vo.receive(s, drill, "devices", drill.At)
	i.MonitorType, i.RoutingKey = "Manual", ""
	i.Transitions[0].By, i.Transitions[0].Manually = UserDevices, true

	for _, now := range []struct {
		entity string
		before time.Duration
	}{{voEntityE2E, E2EFailedBefore}, {voEntity5xx, PageBefore}} {
		at := s.StartedAt.Add(-now.before)
		vo.Alarms[now.entity] = voAlarm{true, at}
		a, key := voMonitorAlert(now.entity, true, at)
		vo.receive(s, a, key, at)
		a.At = at.Add(5 * m) // the alert repeats every five minutes
		if a.At.Before(s.StartedAt) {
			vo.receive(s, a, key, a.At)
		}
	}
}

func (vo *victoropsState) happened(s *State, p voPast) {
	at := s.StartedAt.Add(-p.began)
	a := voAlert{
		Type: "CRITICAL", EntityID: p.entity, At: at, Started: at, Title: p.title, Message: p.message, Tool: p.tool,
		Raw: map[string]any{"service": p.service, "host_name": p.host},
	}
	i := vo.receive(s, a, p.key, at)
	// Everybody remembers these as the player's pages, whoever had the turn then.
	i.PagedUsers = []string{UserYou}
	if p.acked != 0 {
		i.move(voAcked, s.StartedAt.Add(-p.acked), p.by, p.words, true, "")
	}
	if p.ended != 0 {
		a.Type, a.At, a.Message = "RECOVERY", s.StartedAt.Add(-p.ended), p.title+": recovered"
		vo.receive(s, a, p.key, a.At)
	}
	i.Paths = nil
}
