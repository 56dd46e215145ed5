package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// user finds the user of the path.
func (c *voCall) user() (*voUser, error) {
	name := c.r.PathValue("user")
	u, ok := c.vo.user(name)
	if !ok {
		return nil, voFail(http.StatusNotFound, "user %s not found", name)
	}
	return u, nil
}

func (u *voUser) self() string { return "/api-public/v1/user/" + u.Username }

// json says verified as fixtures do; the document claims that it is always false
// (note 6).
func (u *voUser) json() obj {
	return obj{
		"firstName": u.FirstName, "lastName": u.LastName, "displayName": u.FirstName + " " + u.LastName,
		"username": u.Username, "email": u.Email, "createdAt": voTime(u.CreatedAt),
		"passwordLastUpdated": voTime(u.CreatedAt), "verified": true, "_selfUrl": u.self(),
	}
}

// voListUsersNested is v1: a list in a list (note 6).
func voListUsersNested(c *voCall) (any, error) {
	users := []obj{}
	for _, u := range c.vo.Users {
		users = append(users, u.json())
	}
	return obj{"users": [][]obj{users}, "_selfUrl": "/api-public/v1/user"}, nil
}

func voListUsers(c *voCall) (any, error) {
	users := []obj{}
	email := c.r.URL.Query().Get("email")
	for _, u := range c.vo.Users {
		if email == "" || strings.EqualFold(u.Email, email) {
			users = append(users, u.json())
		}
	}
	return obj{"users": users}, nil
}

func voGetUser(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	return u.json(), nil
}

type voUserIn struct{ FirstName, LastName, Username, Email string }

func (c *voCall) userIn() (voUserIn, error) {
	var in voUserIn
	if err := c.decode(&in); err != nil {
		return in, err
	}
	if in.FirstName == "" || in.LastName == "" || in.Username == "" || in.Email == "" {
		return in, voFail(http.StatusBadRequest, "error.path.missing: firstName, lastName, username and email are required")
	}
	return in, nil
}

func voCreateUser(c *voCall) (any, error) {
	in, err := c.userIn()
	if err != nil {
		return nil, err
	}
	if _, ok := c.vo.user(in.Username); ok {
		return nil, voFail(http.StatusUnprocessableEntity, "username %s is taken", in.Username)
	}
	u := &voUser{
		Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, Email: in.Email,
		CreatedAt: c.s.Now, ID: int(c.s.nextID("victorops.user")), Steps: []voStep{}, Custom: []voCustom{},
	}
	u.Contacts = []voContact{c.newContact("emails", "Default", in.Email, true)}
	c.vo.Users = append(c.vo.Users, u)
	return u.json(), nil
}

func voUpdateUser(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	in, err := c.userIn()
	if err != nil {
		return nil, err
	}
	if in.Username != u.Username {
		return nil, voFail(http.StatusUnprocessableEntity, "a username cannot be changed")
	}
	u.FirstName, u.LastName, u.Email = in.FirstName, in.LastName, in.Email
	return u.json(), nil
}

// voDeleteUser needs a JSON body, at least {} (note 1), and someone to take the
// place: named, or an administrator.
func voDeleteUser(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	var in struct{ Replacement, ReplacementStrategy string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch in.ReplacementStrategy {
	case "globalAdmin", "teamAdmin":
		in.Replacement = UserManager
	}
	if in.Replacement == "" || in.Replacement == u.Username {
		return nil, voFail(http.StatusUnprocessableEntity, "a replacement is needed")
	}
	if err := c.member(in.Replacement); err != nil {
		return nil, err
	}
	for _, t := range c.vo.teamsOf(u.Username) {
		c.vo.replaceMember(t, u.Username, in.Replacement)
	}
	c.vo.Users = slices.DeleteFunc(c.vo.Users, func(x *voUser) bool { return x == u })
	return nil, nil
}

// replaceMember takes a person out of a team and puts another in his places.
func (vo *victoropsState) replaceMember(t *voTeam, user, replacement string) {
	t.Members = slices.DeleteFunc(t.Members, func(m string) bool { return m == user })
	t.Admins = slices.DeleteFunc(t.Admins, func(m string) bool { return m == user })
	t.Members = addNew(t.Members, replacement)
	for _, r := range vo.rotationsOf(t.Slug) {
		if i := slices.Index(r.Members, user); i >= 0 {
			r.Members[i] = replacement
		}
	}
	for _, p := range vo.Policies {
		if p.Team != t.Slug {
			continue
		}
		for _, step := range p.Steps {
			for i := range step.Entries {
				if e := &step.Entries[i]; e.Type == "user" && e.Target == user {
					e.Target = replacement
				}
			}
		}
	}
}

func voUserTeams(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, t := range c.vo.teamsOf(u.Username) {
		j := t.links()
		j["name"], j["slug"] = t.Name, t.Slug
		out = append(out, j)
	}
	return obj{"teams": out}, nil
}

var voContactKinds = []string{"emails", "phones", "devices"}

// voContactMethods wraps each list in an object, which the document does not
// (note 6).
func voContactMethods(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	out := obj{}
	for _, kind := range voContactKinds {
		out[kind] = u.contactList(kind)
	}
	return out, nil
}

func (u *voUser) contactList(kind string) obj {
	out := []obj{}
	for _, m := range u.contacts(kind) {
		out = append(out, u.contactJSON(m))
	}
	return obj{"_selfUrl": u.self() + "/contact-methods/" + kind, "contactMethods": out}
}

func (u *voUser) contactJSON(m voContact) obj {
	out := obj{"id": m.ID, "label": m.Label, "extId": m.ExtID, "_selfUrl": u.self() + "/contact-methods/" + m.Kind + "/" + m.ExtID}
	if m.Kind == "devices" {
		out["deviceType"] = m.Value
		return out
	}
	out["value"], out["rank"], out["contactType"], out["verified"] = m.Value, m.Rank, voContactType(m.Kind), "unverified"
	if m.Verified {
		out["verified"] = "verified"
	}
	return out
}

func voContactType(kind string) string {
	if kind == "emails" {
		return "Email"
	}
	return "Phone"
}

// kind finds the user and the kind of contact of the path.
func (c *voCall) kind() (*voUser, string, error) {
	u, err := c.user()
	if err != nil {
		return nil, "", err
	}
	kind := c.r.PathValue("kind")
	if !slices.Contains(voContactKinds, kind) {
		return nil, "", voFail(http.StatusNotFound, "not found")
	}
	return u, kind, nil
}

func voListContacts(c *voCall) (any, error) {
	u, kind, err := c.kind()
	if err != nil {
		return nil, err
	}
	return u.contactList(kind), nil
}

// voAddContact takes "email" or "phone" and gives it back as "value" (note 6). A
// device cannot be added: it appears when somebody signs in on it.
func voAddContact(c *voCall) (any, error) {
	u, kind, err := c.kind()
	if err != nil {
		return nil, err
	}
	var in struct {
		Label, Email, Phone string
		Rank                int
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	value := in.Email
	if kind == "phones" {
		value = in.Phone
	}
	if kind == "devices" {
		return nil, voFail(http.StatusNotFound, "not found")
	}
	if in.Label == "" || value == "" {
		return nil, voFail(http.StatusBadRequest, "error.path.missing: label and %s are required", strings.TrimSuffix(kind, "s"))
	}
	m := c.newContact(kind, in.Label, value, false)
	if in.Rank != 0 {
		m.Rank = in.Rank
	}
	u.Contacts = append(u.Contacts, m)
	return u.contactJSON(m), nil
}

func (c *voCall) newContact(kind, label, value string, verified bool) voContact {
	return newVoContact(c.s, kind, label, value, verified)
}

func newVoContact(s *State, kind, label, value string, verified bool) voContact {
	id := int(s.nextID("victorops.contact"))
	return voContact{
		ID: 9100 + id, Kind: kind, Label: label, Value: value, Rank: 500, Verified: verified,
		ExtID: tokenFor(24, alphabetHex, "victorops contact", id),
	}
}

// contact finds the contact of the path by its extId (note 6).
func (c *voCall) contact() (*voUser, voContact, error) {
	u, kind, err := c.kind()
	if err != nil {
		return nil, voContact{}, err
	}
	m, ok := find(u.contacts(kind), func(m voContact) bool { return m.ExtID == c.r.PathValue("id") })
	if !ok {
		return nil, m, voFail(http.StatusNotFound, "contact method not found")
	}
	return u, m, nil
}

func voGetContact(c *voCall) (any, error) {
	u, m, err := c.contact()
	if err != nil {
		return nil, err
	}
	return u.contactJSON(m), nil
}

func voUpdateDevice(c *voCall) (any, error) {
	u, m, err := c.contact()
	if err != nil {
		return nil, err
	}
	var in struct {
		Label string `json:"device_label"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if m.Kind != "devices" {
		return nil, voFail(http.StatusNotFound, "not found")
	}
	for i := range u.Contacts {
		if u.Contacts[i].ID == m.ID && in.Label != "" {
			u.Contacts[i].Label = in.Label
			m = u.Contacts[i]
		}
	}
	return u.contactJSON(m), nil
}

func voDeleteContact(c *voCall) (any, error) {
	u, m, err := c.contact()
	if err != nil {
		return nil, err
	}
	u.Contacts = slices.DeleteFunc(u.Contacts, func(x voContact) bool { return x.ID == m.ID })
	return u.contactJSON(m), nil
}
