package pager_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
)

func codes(v pager.Verdict) []string {
	out := []string{}
	for _, r := range v.Reasons {
		out = append(out, r.Code)
	}
	return out
}

func TestPagingOfTheDemoWorld(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	you, err := w.Paging(ctx, "you")
	require.NoError(t, err)
	require.Len(t, you.Policies, 1)
	assert.Equal(t, "push now, phone after 5 min, sms and phone after 10 min, then again every 15 min", you.Policies[0].Words)
	kinds := []string{}
	for _, c := range you.Contacts {
		kinds = append(kinds, c.Kind)
		assert.True(t, c.Verified)
	}
	assert.Equal(t, []string{"phone", "device", "email"}, kinds)

	other, err := w.Paging(ctx, "secondary")
	require.NoError(t, err)
	require.Len(t, other.Policies, 2)
	assert.Equal(t, "Nights", other.Policies[0].Name, "the custom one comes first: it wins when it holds")
	assert.Contains(t, other.Policies[0].When, "22:00-07:00")
	assert.Equal(t, "primary", other.Policies[1].Name)

	_, err = w.Paging(ctx, "ghost")
	require.ErrorIs(t, err, apierr.ErrNotFound)

	v, err := w.Check(ctx, "you", 0)
	require.NoError(t, err)
	assert.True(t, v.Reachable)
	assert.Empty(t, v.Reasons)
	v, err = w.Check(ctx, "you", 4*time.Minute)
	require.NoError(t, err)
	assert.False(t, v.Reachable)
	assert.Equal(t, []pager.Reason{{Code: pager.LateCall, Text: "the first call comes after 5 min, later than 4 min"}}, v.Reasons)

	team, err := w.CheckTeam(ctx, "operations", 0)
	require.NoError(t, err)
	require.Len(t, team.Verdicts, 3)
	assert.Equal(t, "manager", team.Verdicts[0].Username)
	assert.Equal(t, []string{pager.NoPhoneOrDevice, pager.NoReachingStep}, codes(team.Verdicts[0]))
	assert.Equal(t, "no device, and the phone number \"Mobile\" is not verified: it does not ring", team.Verdicts[0].Reasons[0].Text)
	_, err = w.CheckTeam(ctx, "nobody's", 0)
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

const (
	pathContacts = "/api-public/v1/user/x/contact-methods"
	pathPaging   = "/api-public/v1/profile/x/policies"
	pathCustom   = "/api-public/v2/profile/x/policies"
)

// person is a pager of one user, with contacts and steps as on the wire.
func person(t *testing.T, contacts, steps, custom string) *pager.Pager {
	t.Helper()
	c := httpxtest.Exchange{Path: pathCustom, Reply: httpxtest.Status(404)}
	if custom != "" {
		c.Reply = httpxtest.JSON(200, `{"policies":[`+custom+`]}`)
	}
	p, _ := scripted(t, get(pathContacts, contacts), get(pathPaging, `{"steps":[`+steps+`]}`), c)
	return p
}

func contactsOf(parts ...string) string {
	phones, devices := []string{}, []string{}
	for _, s := range parts {
		switch s {
		case "phone":
			phones = append(phones, `{"id":2,"label":"Mobile","value":"+1","contactType":"Phone","verified":"verified"}`)
		case "unverified":
			phones = append(phones, `{"id":2,"label":"Mobile","value":"+1","contactType":"Phone","verified":"unverified"}`)
		case "device":
			devices = append(devices, `{"id":3,"deviceType":"iOS","label":"iPhone"}`)
		}
	}
	return `{"emails":{"contactMethods":[{"id":1,"label":"Default","value":"x@example.test","contactType":"Email","verified":"unverified"}]},
		"phones":{"contactMethods":[` + strings.Join(phones, ",") + `]},"devices":{"contactMethods":[` + strings.Join(devices, ",") + `]}}`
}

func step(timeout string, rules ...string) string {
	out := []string{}
	for _, r := range rules {
		out = append(out, map[string]string{
			"push":  `{"type":"push","contact":{"id":0,"type":"Phone"}}`,
			"push3": `{"type":"push","contact":{"id":3,"type":"Phone"}}`,
			"phone": `{"type":"phone","contact":{"id":2,"type":"Phone"}}`,
			"sms":   `{"type":"sms","contact":{"id":2,"type":"Phone"}}`,
			"email": `{"type":"email","contact":{"id":1,"type":"Email"}}`,
			"gone":  `{"type":"phone","contact":{"id":99,"type":"Phone"}}`,
		}[r])
	}
	return `{"timeout":` + timeout + `,"rules":[` + strings.Join(out, ",") + `]}`
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		contacts, steps, custom string
		want                    []string
		says                    string
	}{
		"push, then a call":        {contactsOf("phone", "device"), step(`"10"`, "push") + "," + step("10", "phone"), "", nil, ""},
		"a call at once, and mail": {contactsOf("phone"), step("5", "phone", "email"), "", nil, ""},
		"a push to one device":     {contactsOf("phone", "device"), step("5", "push3", "phone"), "", nil, ""},
		"mail only":                {contactsOf("phone", "device"), step("5", "email"), "", []string{pager.NoReachingStep}, "only email is sent, which wakes nobody"},
		"no steps":                 {contactsOf("phone", "device"), "", "", []string{pager.NoReachingStep}, "no step pages by push, sms or phone"},
		"one channel":              {contactsOf("phone"), step("5", "phone"), "", []string{pager.OneChannel}, "everything goes by phone"},
		"no call":                  {contactsOf("phone", "device"), step("5", "push", "sms"), "", []string{pager.NoCall}, "no step calls a verified phone: push, sms only"},
		"a call too late":          {contactsOf("phone", "device"), step("15", "push") + "," + step("10", "phone"), "", []string{pager.LateCall}, "the first call comes after 15 min, later than 10 min"},
		"an unverified phone":      {contactsOf("unverified"), step("5", "phone", "email"), "", []string{pager.NoPhoneOrDevice, pager.NoReachingStep}, "phone leads to nothing that is there and verified"},
		"a push without a device":  {contactsOf(), step("5", "push"), "", []string{pager.NoPhoneOrDevice, pager.NoReachingStep}, "no device and no verified phone number"},
		"a contact that is gone":   {contactsOf("phone", "device"), step("5", "push", "gone"), "", []string{pager.OneChannel, pager.NoCall}, "everything goes by push"},
		"a bad custom policy":      {contactsOf("phone", "device"), step("5", "push", "phone"), `{"rank":1,"name":"Nights","timeMask":{"saturday":true,"sunday":true,"startTime":"22:00","endTime":"06:00","timeZone":"UTC"},"steps":[` + step("5", "email") + `]},{"rank":2,"name":"Primary","steps":[]}`, []string{pager.NoReachingStep}, "only email is sent, which wakes nobody (Nights policy)"},
		"a bad primary of two":     {contactsOf("phone", "device"), step("5", "email"), `{"rank":1,"name":"Nights","timeMask":{},"steps":[` + step("5", "push", "phone") + `]}`, []string{pager.NoReachingStep}, "(primary policy)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := person(t, test.contacts, test.steps, test.custom).Check(t.Context(), "x", 0)
			require.NoError(t, err)
			assert.Equal(t, len(test.want) == 0, v.Reachable)
			assert.ElementsMatch(t, test.want, codes(v))
			texts := ""
			for _, r := range v.Reasons {
				texts += r.Text + "\n"
			}
			assert.Contains(t, texts, test.says)
		})
	}
}

func TestPagingWords(t *testing.T) {
	t.Parallel()
	for steps, want := range map[string]string{
		step(`"10"`, "push") + "," + step("0", "phone"):                                  "push now, phone after 10 min",
		step("5", "push", "email", "push3") + "," + step("5") + "," + step("1", "phone"): "push and email now, phone after 10 min, then again every 1 min",
		"": "nothing",
	} {
		p, err := person(t, contactsOf("phone", "device"), steps, "").Paging(t.Context(), "x")
		require.NoError(t, err)
		assert.Equal(t, want, p.Policies[0].Words)
	}
	for mask, want := range map[string]string{
		`{"monday":true,"tuesday":true,"wednesday":true,"thursday":true,"friday":true,"startTime":"22:00","endTime":"06:00","timeZone":"Europe/Athens"}`: "mon-fri 22:00-06:00 Europe/Athens",
		`{"monday":true,"tuesday":true,"wednesday":true,"thursday":true,"friday":true,"saturday":true,"sunday":true,"timeZone":"UTC"}`:                   "every day UTC",
		`{"monday":true,"wednesday":true,"saturday":true,"sunday":true}`:                                                                                 "mon,wed,sat,sun",
		`{}`: "on no day",
	} {
		p, err := person(t, contactsOf(), "", `{"name":"N","timeMask":`+mask+`}`).Paging(t.Context(), "x")
		require.NoError(t, err)
		assert.Equal(t, want, p.Policies[0].When)
	}
}

// No data is not success.
func TestCheckWithoutData(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{pathContacts, pathPaging} {
		exchanges := []httpxtest.Exchange{get(pathCustom, `{}`)}
		for path, body := range map[string]string{pathContacts: contactsOf("phone", "device"), pathPaging: `{"steps":[` + step("5", "push", "phone") + `]}`} {
			e := get(path, body)
			if path == bad {
				e.Reply = httpxtest.Status(500)
			}
			exchanges = append(exchanges, e)
		}
		p, _ := scripted(t, exchanges...)
		v, err := p.Check(t.Context(), "x", 0)
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		assert.False(t, v.Reachable)
	}
	p, _ := scripted(t, get(pathContacts, contactsOf("phone", "device")), get(pathPaging, `{"steps":[`+step("5", "push", "phone")+`]}`),
		httpxtest.Exchange{Path: pathCustom, Reply: httpxtest.Status(500)})
	v, err := p.Check(t.Context(), "x", 0)
	require.NoError(t, err)
	require.Len(t, v.Partial, 1)
}

func TestCheckTeamWithOneWhoCannotBeRead(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathTeams, `[{"name":"One","slug":"team-1"}]`),
		get("/api-public/v1/team/team-1/members", `{"members":[{"username":"x"},{"username":"y"}]}`),
		get(pathContacts, contactsOf("phone", "device")), get(pathPaging, `{"steps":[`+step("5", "push", "phone")+`]}`), get(pathCustom, `{}`),
		httpxtest.Exchange{Path: "/api-public/v1/user/y/contact-methods", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: "/api-public/v1/profile/y/policies", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: "/api-public/v2/profile/y/policies", Reply: httpxtest.Status(500)})
	v, err := p.CheckTeam(t.Context(), "one", 0)
	require.NoError(t, err)
	require.Len(t, v.Verdicts, 1)
	require.Len(t, v.Partial, 1)
	assert.Equal(t, "y", v.Partial[0].Source)
}

func TestCheckTeamOfWhichNobodyCanBeRead(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathTeams, `[{"name":"One","slug":"team-1"}]`),
		get("/api-public/v1/team/team-1/members", `{"members":[{"username":"x"}]}`),
		httpxtest.Exchange{Path: pathContacts, Reply: httpxtest.Status(500)}, httpxtest.Exchange{Path: pathPaging, Reply: httpxtest.Status(500)}, get(pathCustom, `{}`))
	_, err := p.CheckTeam(t.Context(), "one", 0)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
}
