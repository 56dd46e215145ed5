package victorops_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/victorops"
)

const wireUser = `{"firstName":"Yo","lastName":"U","username":"you","email":"you@example.test","createdAt":"2020-01-02T03:04:05Z","passwordLastUpdated":"2020-01-02T03:04:05Z","verified":true,"_selfUrl":"/x"}`

var user = victorops.User{Username: "you", FirstName: "Yo", LastName: "U", Email: "you@example.test",
	CreatedAt: victorops.Time{Time: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)}}

func TestUsers(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v2/user", Reply: reply(200, `{"users":[`+wireUser+`]}`)},
		httpxtest.Exchange{Path: "/api-public/v2/user?email=you%40example.test", Reply: reply(200, `{"users":[]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/user", Reply: reply(200, `{"users":[[`+wireUser+`,`+wireUser+`],null,[]]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/user", Reply: reply(200, `{"users":[`+wireUser+`],"_selfUrl":"/x"}`)})
	all, err := c.Users(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, []victorops.User{user}, all)
	all, err = c.Users(t.Context(), "you@example.test")
	require.NoError(t, err)
	assert.Equal(t, []victorops.User{}, all)
	all, err = c.UsersV1(t.Context())
	require.NoError(t, err, "the wire of v1 nests")
	assert.Equal(t, []victorops.User{user, user}, all)
	all, err = c.UsersV1(t.Context())
	require.NoError(t, err, "the spec of v1 does not")
	assert.Equal(t, []victorops.User{user}, all)
}

func TestUsersFallsBackToV1(t *testing.T) {
	t.Parallel()
	exchanges := []httpxtest.Exchange{
		{Path: "/api-public/v2/user?email=YOU%40example.test", Reply: httpxtest.Status(404)},
		{Path: "/api-public/v1/user", Reply: reply(200, `{"users":[[`+wireUser+`,{"username":"other","email":"o@example.test"}]]}`)},
	}
	all, err := talk(t, exchanges...).Users(t.Context(), "YOU@example.test")
	require.NoError(t, err)
	assert.Equal(t, []victorops.User{user}, all)
	exchanges[1].Reply = httpxtest.Status(500)
	_, err = talk(t, exchanges...).Users(t.Context(), "YOU@example.test")
	require.ErrorIs(t, err, apierr.ErrUnavailable)
}

func TestUserChanges(t *testing.T) {
	t.Parallel()
	const body = `{"firstName":"Yo","lastName":"U","username":"you","email":"you@example.test"}`
	c := talk(t,
		httpxtest.Exchange{Method: "POST", Path: "/api-public/v1/user", Body: body, Reply: reply(200, wireUser)},
		httpxtest.Exchange{Method: "PUT", Path: "/api-public/v1/user/you", Body: body, Reply: reply(200, wireUser)},
		// A DELETE needs a JSON body, at least {}.
		httpxtest.Exchange{Method: "DELETE", Path: "/api-public/v1/user/you", Body: `{}`, Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "DELETE", Path: "/api-public/v1/user/you", Body: `{"replacement":"secondary"}`, Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "DELETE", Path: "/api-public/v1/team/team-1/members/you", Body: `{}`, Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Path: "/api-public/v1/user/you/teams", Reply: reply(200, `{"teams":[{"name":"A &amp; B","slug":"team-1","_selfUrl":"/x"}]}`)})
	in := victorops.NewUser{FirstName: "Yo", LastName: "U", Username: "you", Email: "you@example.test"}
	u, err := c.CreateUser(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, user, u)
	_, err = c.UpdateUser(t.Context(), "you", in)
	require.NoError(t, err)
	require.NoError(t, c.DeleteUser(t.Context(), "you", ""))
	require.NoError(t, c.DeleteUser(t.Context(), "you", "secondary"))
	require.NoError(t, c.RemoveTeamMember(t.Context(), "team-1", "you", ""))
	teams, err := c.UserTeams(t.Context(), "you")
	require.NoError(t, err)
	assert.Equal(t, []victorops.Ref{{Name: "A & B", Slug: "team-1"}}, teams)
}

func TestContactMethodsInBothShapes(t *testing.T) {
	t.Parallel()
	want := victorops.ContactMethods{
		Emails:  victorops.Contacts{{ID: "9101", ExtID: "0d1f", Label: "Default", Value: "you@example.test", Type: "Email", Rank: 500, Verified: true}},
		Phones:  victorops.Contacts{{ID: "9102", ExtID: "7ab2", Label: "Mobile", Value: "+44 20 7946 0000", Type: "Phone", Rank: 500}},
		Devices: victorops.Contacts{{ID: "9103", ExtID: "c93e", Label: "Phone A", DeviceType: "Android"}},
	}
	const email = `{"id":9101,"label":"Default","value":"you@example.test","contactType":"Email","rank":500,"verified":"verified","extId":"0d1f","_selfUrl":"/x"}`
	const phone = `{"id":9102,"label":"Mobile","value":"+44 20 7946 0000","contactType":"Phone","rank":500,"verified":"unverified","extId":"7ab2"}`
	const device = `{"id":9103,"deviceType":"Android","label":"Phone A","extId":"c93e"}`
	path := "/api-public/v1/user/you/contact-methods"
	c := talk(t,
		httpxtest.Exchange{Path: path, Reply: reply(200, `{"emails":{"_selfUrl":"/x","contactMethods":[`+email+`]},"phones":{"contactMethods":[`+phone+`]},"devices":{"contactMethods":[`+device+`]}}`)},
		httpxtest.Exchange{Path: path, Reply: reply(200, `{"emails":[`+email+`],"phones":[`+phone+`],"devices":[`+device+`]}`)},
		httpxtest.Exchange{Path: path, Reply: reply(200, `{"emails":{"contactMethods":[]},"phones":null,"devices":{}}`)})
	for range 2 {
		got, err := c.ContactMethods(t.Context(), "you")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	got, err := c.ContactMethods(t.Context(), "you")
	require.NoError(t, err)
	assert.Equal(t, victorops.ContactMethods{Emails: victorops.Contacts{}, Phones: victorops.Contacts{}, Devices: victorops.Contacts{}}, got)
}

func TestContacts(t *testing.T) {
	t.Parallel()
	path := "/api-public/v1/user/you/contact-methods"
	const one = `{"id":1,"extId":"e1","value":"v","verified":true}`
	list := reply(200, `{"_selfUrl":"/x","contactMethods":[`+one+`]}`)
	c := talk(t,
		httpxtest.Exchange{Path: path + "/emails", Reply: list},
		httpxtest.Exchange{Path: path + "/phones", Reply: list},
		httpxtest.Exchange{Path: path + "/devices", Reply: list},
		httpxtest.Exchange{Path: path + "/emails/e1", Reply: reply(200, one)},
		httpxtest.Exchange{Path: path + "/phones/e1", Reply: reply(200, "["+one+"]")}, // as the spec has it
		httpxtest.Exchange{Path: path + "/devices/e1", Reply: reply(200, one)},
		httpxtest.Exchange{Method: "POST", Path: path + "/emails", Body: `{"label":"l","email":"a@example.test"}`, Reply: reply(200, one)},
		httpxtest.Exchange{Method: "POST", Path: path + "/phones", Body: `{"label":"l","phone":"+1","rank":3}`, Reply: reply(200, one)},
		httpxtest.Exchange{Path: path + "/devices/e2", Reply: reply(200, "[]")},
		httpxtest.Exchange{Method: "PUT", Path: path + "/devices/e1", Body: `{"device_label":"d","chat_escalation_sound":"s"}`, Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "DELETE", Path: path + "/emails/e1", Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "DELETE", Path: path + "/phones/e1", Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "DELETE", Path: path + "/devices/e1", Reply: httpxtest.Status(200)})
	want := victorops.Contact{ID: "1", ExtID: "e1", Value: "v", Verified: true}
	ctx := t.Context()
	for _, f := range []func() ([]victorops.Contact, error){
		func() ([]victorops.Contact, error) { return c.Emails(ctx, "you") },
		func() ([]victorops.Contact, error) { return c.Phones(ctx, "you") },
		func() ([]victorops.Contact, error) { return c.Devices(ctx, "you") },
	} {
		got, err := f()
		require.NoError(t, err)
		assert.Equal(t, []victorops.Contact{want}, got)
	}
	for _, f := range []func() (victorops.Contact, error){
		func() (victorops.Contact, error) { return c.Email(ctx, "you", "e1") },
		func() (victorops.Contact, error) { return c.Phone(ctx, "you", "e1") },
		func() (victorops.Contact, error) { return c.Device(ctx, "you", "e1") },
		func() (victorops.Contact, error) { return c.AddEmail(ctx, "you", "l", "a@example.test", 0) },
		func() (victorops.Contact, error) { return c.AddPhone(ctx, "you", "l", "+1", 3) },
	} {
		got, err := f()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := c.Device(ctx, "you", "e2")
	require.ErrorIs(t, err, apierr.ErrNotFound, "an empty list is no contact")
	require.NoError(t, c.UpdateDevice(ctx, "you", "e1", victorops.DeviceSettings{Label: "d", ChatSound: "s"}))
	require.NoError(t, c.DeleteEmail(ctx, "you", "e1"))
	require.NoError(t, c.DeletePhone(ctx, "you", "e1"))
	require.NoError(t, c.DeleteDevice(ctx, "you", "e1"))
}

func TestPagingPolicies(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := "/api-public/v1/profile/you/policies"
	const rule = `{"index":0,"type":"phone","contact":{"id":9102,"type":"Phone"}}`
	const wire = `{"index":1,"timeout":"10","rules":[` + rule + `]}`
	wantRule := victorops.PagingRule{Type: victorops.NotifyPhone, Contact: victorops.RuleContact{ID: "9102", Type: "Phone"}}
	want := victorops.PagingStep{Index: 1, Timeout: 10, Rules: []victorops.PagingRule{wantRule}}
	// Requests say "phone" where replies say "Phone", and ids are numbers.
	const asked = `{"timeout":10,"rules":[{"type":"phone","contact":{"id":9102,"type":"phone"}},{"type":"email","contact":{"id":9101,"type":"email"}}]}`
	const askedRule = `{"type":"phone","contact":{"id":9102,"type":"phone"}}`
	c := talk(t,
		httpxtest.Exchange{Path: path, Reply: reply(200, `{"steps":[`+wire+`],"_selfUrl":"/x"}`)},
		httpxtest.Exchange{Path: path + "/1", Reply: reply(200, `{"step":`+wire+`}`)},
		httpxtest.Exchange{Method: "POST", Path: path, Body: asked, Reply: reply(200, `{"step":`+wire+`}`)},
		httpxtest.Exchange{Method: "PUT", Path: path + "/1", Body: asked, Reply: reply(200, `{"step":`+wire+`}`)},
		httpxtest.Exchange{Path: path + "/1/0", Reply: reply(200, `{"stepRule":`+rule+`}`)},
		httpxtest.Exchange{Method: "POST", Path: path + "/1", Body: askedRule, Reply: reply(200, `{"stepRule":`+rule+`}`)},
		httpxtest.Exchange{Method: "PUT", Path: path + "/1/0", Body: askedRule, Reply: reply(200, `{"stepRule":`+rule+`}`)},
		httpxtest.Exchange{Method: "DELETE", Path: path + "/1/0", Reply: reply(200, `{"stepRule":`+rule+`}`)})
	rules := []victorops.NewRule{{Type: victorops.NotifyPhone, ContactID: 9102}, {Type: victorops.NotifyEmail, ContactID: 9101}}
	steps, err := c.PagingPolicy(ctx, "you")
	require.NoError(t, err)
	assert.Equal(t, []victorops.PagingStep{want}, steps)
	for _, f := range []func() (victorops.PagingStep, error){
		func() (victorops.PagingStep, error) { return c.PagingStep(ctx, "you", 1) },
		func() (victorops.PagingStep, error) { return c.AddPagingStep(ctx, "you", 10, rules) },
		func() (victorops.PagingStep, error) { return c.UpdatePagingStep(ctx, "you", 1, 10, rules) },
	} {
		got, err := f()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, f := range []func() (victorops.PagingRule, error){
		func() (victorops.PagingRule, error) { return c.PagingRule(ctx, "you", 1, 0) },
		func() (victorops.PagingRule, error) { return c.AddPagingRule(ctx, "you", 1, rules[0]) },
		func() (victorops.PagingRule, error) { return c.UpdatePagingRule(ctx, "you", 1, 0, rules[0]) },
	} {
		got, err := f()
		require.NoError(t, err)
		assert.Equal(t, wantRule, got)
	}
	require.NoError(t, c.DeletePagingRule(ctx, "you", 1, 0))
}

func TestPagingViewsAndWords(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/user/you/policies", Reply: reply(200, `{"username":"you","userId":7,"policies":[{"order":0,"timeout":5,"contactType":"Push","extId":"e1"}]}`)},
		httpxtest.Exchange{Path: "/api-public/v2/profile/you/policies", Reply: reply(200, `{"policies":[{"rank":0,"name":"Nights","slug":"pp-1",
			"timeMask":{"monday":true,"sunday":"true","timeZone":"Europe/Athens","startTime":"22:00","endTime":"06:00"},"steps":[{"index":0,"timeout":"1","rules":[]}]},{"rank":1,"name":"Primary","slug":"pp-2","steps":[]}]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/policies/types/notifications", Reply: reply(200, `{"notificationTypes":[{"type":"push","description":"Send a push notification to all my devices"}]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/policies/types/contacts", Reply: reply(200, `{"contactTypes":[{"type":"email","description":"Email Address"}]}`)},
		// An int in the spec, a numeric string on the wire.
		httpxtest.Exchange{Path: "/api-public/v1/policies/types/timeouts", Reply: reply(200, `{"timeoutTypes":[{"type":"1","description":"If still unacked after 1 minute"},{"type":5,"description":""}]}`)})
	flat, err := c.UserPolicies(ctx, "you")
	require.NoError(t, err)
	assert.Equal(t, []victorops.FlatPolicy{{Timeout: 5, ContactType: "Push", ExtID: "e1"}}, flat)
	profile, err := c.ProfilePolicies(ctx, "you")
	require.NoError(t, err)
	require.Len(t, profile, 2)
	assert.Equal(t, &victorops.TimeMask{Monday: true, Sunday: true, TimeZone: "Europe/Athens", StartTime: "22:00", EndTime: "06:00"}, profile[0].TimeMask)
	assert.Nil(t, profile[1].TimeMask)
	n, err := c.NotificationTypes(ctx)
	require.NoError(t, err)
	assert.Equal(t, victorops.ID("push"), n[0].Type)
	k, err := c.ContactTypes(ctx)
	require.NoError(t, err)
	assert.Equal(t, victorops.Text("Email Address"), k[0].Description)
	m, err := c.TimeoutTypes(ctx)
	require.NoError(t, err)
	assert.Equal(t, []victorops.TypeInfo{{Type: "1", Description: "If still unacked after 1 minute"}, {Type: "5"}}, m)
}

func TestTeams(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const team = `{"_selfUrl":"/x","name":"R&amp;D","slug":"team-1","memberCount":3,"version":1,"isDefaultTeam":true}`
	want := victorops.Team{Name: "R&D", Slug: "team-1", MemberCount: 3, IsDefault: true}
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/team", Reply: reply(200, "["+team+"]")}, // a bare array
		httpxtest.Exchange{Path: "/api-public/v1/team/team-1", Reply: reply(200, team)},
		httpxtest.Exchange{Path: "/api-public/v1/team/team-1/members", Reply: reply(200, `{"members":[{"username":"a","firstName":"A","lastName":"B","version":0,"verified":"true"},{"username":"b","verified":true},{"username":"c","verified":"false"}]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/team/team-1/admins", Reply: reply(200, `{"teamAdmins":[{"username":"a","firstName":"A","lastName":"B"}]}`)})
	all, err := c.Teams(ctx)
	require.NoError(t, err)
	assert.Equal(t, []victorops.Team{want}, all)
	one, err := c.Team(ctx, "team-1")
	require.NoError(t, err)
	assert.Equal(t, want, one)
	members, err := c.TeamMembers(ctx, "team-1")
	require.NoError(t, err)
	assert.Equal(t, []victorops.Member{{Username: "a", FirstName: "A", LastName: "B", Verified: true}, {Username: "b", Verified: true}, {Username: "c"}}, members)
	admins, err := c.TeamAdmins(ctx, "team-1")
	require.NoError(t, err)
	assert.Equal(t, []victorops.Person{{Username: "a", FirstName: "A", LastName: "B"}}, admins)
}

func TestPoliciesAndKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/policies", Reply: reply(200, `{"policies":[{"policy":{"name":"Primary","slug":"team-1","_selfUrl":"/x"},"team":{"name":"A","slug":"team-1"}}]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/policies/team-1", Reply: reply(200, `{"name":"Primary","slug":"team-1","ignoreCustomPagingPolicies":true,"steps":[
			{"timeout":0,"entries":[{"executionType":"rotation_group","rotationGroup":{"slug":"rtg-1","label":"Weekly"}}]},
			{"timeout":15,"entries":[{"executionType":"user","user":{"username":"manager","firstName":"M","lastName":"G"}},{"executionType":"email","email":{"address":"x@example.test"}},
			 {"executionType":"webhook","webhook":{"slug":"wh-1","label":"hook"}},{"executionType":"policy_routing","targetPolicy":{"policySlug":"pol-2"}}]}]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/org/routing-keys", Reply: reply(200, `{"routingKeys":[{"routingKey":"api","targets":[{"policyName":"Primary","policySlug":"team-1","_teamUrl":"/x"}],"isDefault":false},{"routingKey":".+","targets":[],"isDefault":true}],"_selfUrl":"/x"}`)})
	refs, err := c.Policies(ctx)
	require.NoError(t, err)
	assert.Equal(t, []victorops.PolicyRef{{Policy: victorops.Ref{Name: "Primary", Slug: "team-1"}, Team: victorops.Ref{Name: "A", Slug: "team-1"}}}, refs)
	p, err := c.Policy(ctx, "team-1")
	require.NoError(t, err)
	require.Len(t, p.Steps, 2)
	assert.Equal(t, victorops.Text("Weekly"), p.Steps[0].Entries[0].Rotation.Label)
	assert.Equal(t, victorops.Int(15), p.Steps[1].Timeout)
	assert.Equal(t, "manager", p.Steps[1].Entries[0].User.Username)
	assert.Equal(t, "x@example.test", p.Steps[1].Entries[1].Email.Address)
	assert.Equal(t, "wh-1", p.Steps[1].Entries[2].Webhook.Slug)
	assert.Equal(t, "pol-2", p.Steps[1].Entries[3].TargetPolicy.Slug)
	keys, err := c.RoutingKeys(ctx)
	require.NoError(t, err)
	assert.Equal(t, []victorops.RoutingKey{{Key: "api", Targets: []victorops.RoutingKeyTarget{{PolicyName: "Primary", PolicySlug: "team-1"}}},
		{Key: ".+", Targets: []victorops.RoutingKeyTarget{}, IsDefault: true}}, keys)
}
