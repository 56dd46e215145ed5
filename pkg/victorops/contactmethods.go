package victorops

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/balena-io/oncall/pkg/apierr"
)

// ContactMethods are the ways in which a user can be reached.
type ContactMethods struct {
	Emails  Contacts `json:"emails"`
	Phones  Contacts `json:"phones"`
	Devices Contacts `json:"devices"`
}

// Contacts is a list of contact methods. The spec says a bare array (even for one
// contact), the wire wraps it: {"_selfUrl", "contactMethods":[...]} (note 6). A
// single object is a list of one.
type Contacts []Contact

// UnmarshalJSON takes all of these shapes. null is an empty list.
func (c *Contacts) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '{' {
		var w struct {
			Methods json.RawMessage `json:"contactMethods"`
			Contact
		}
		if err := json.Unmarshal(b, &w); err != nil {
			return err
		}
		if w.Methods == nil && w.Contact != (Contact{}) {
			*c = Contacts{w.Contact}
			return nil
		}
		b = w.Methods
	}
	all, err := oneOrMany[Contact](b)
	*c = all
	return err
}

// Contact is one way to reach somebody: an address, a number, or a device.
type Contact struct {
	ID         ID     `json:"id"`    // what a paging policy's rule names
	ExtID      ID     `json:"extId"` // what the contact-methods paths name
	Label      Text   `json:"label"`
	Value      string `json:"value"`       // address or number; empty for a device
	Type       string `json:"contactType"` // Email or Phone; empty for a device
	DeviceType string `json:"deviceType"`  // Android, iOS; empty for the others
	Rank       Int    `json:"rank"`
	Verified   Flag   `json:"verified"` // an unverified number does not ring (note 6); not given for devices
}

func contactsPath(username, kind string) string {
	return "/api-public/v1/user/" + seg(username) + "/contact-methods" + kind
}

// ContactMethods returns every contact method of a user.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods
func (c *Client) ContactMethods(ctx context.Context, username string) (ContactMethods, error) {
	var out ContactMethods
	_, err := c.get(ctx, "get contact methods of "+username, contactsPath(username, ""), nil, &out)
	out.Emails, out.Phones, out.Devices = list(out.Emails), list(out.Phones), list(out.Devices)
	return out, err
}

// Emails returns the addresses of a user.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods/emails
func (c *Client) Emails(ctx context.Context, username string) ([]Contact, error) {
	return c.contacts(ctx, username, "/emails")
}

// Phones returns the numbers of a user.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods/phones
func (c *Client) Phones(ctx context.Context, username string) ([]Contact, error) {
	return c.contacts(ctx, username, "/phones")
}

// Devices returns the devices of a user. One appears when the user signs in on
// it; the API cannot add any.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods/devices
func (c *Client) Devices(ctx context.Context, username string) ([]Contact, error) {
	return c.contacts(ctx, username, "/devices")
}

func (c *Client) contacts(ctx context.Context, username, kind string) ([]Contact, error) {
	var out Contacts
	_, err := c.get(ctx, "get contact methods of "+username, contactsPath(username, kind), nil, &out)
	return list(out), err
}

// Email returns one address by its ExtID.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods/emails/{contactId}
func (c *Client) Email(ctx context.Context, username, extID string) (Contact, error) {
	return c.contact(ctx, username, "/emails/"+seg(extID))
}

// Phone returns one number by its ExtID.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods/phones/{contactId}
func (c *Client) Phone(ctx context.Context, username, extID string) (Contact, error) {
	return c.contact(ctx, username, "/phones/"+seg(extID))
}

// Device returns one device by its ExtID.
//
//contract:operation GET /api-public/v1/user/{user}/contact-methods/devices/{contactId}
func (c *Client) Device(ctx context.Context, username, extID string) (Contact, error) {
	return c.contact(ctx, username, "/devices/"+seg(extID))
}

func (c *Client) contact(ctx context.Context, username, kind string) (Contact, error) {
	op := "get a contact method of " + username
	var out Contacts
	if _, err := c.get(ctx, op, contactsPath(username, kind), nil, &out); err != nil {
		return Contact{}, err
	}
	if len(out) == 0 {
		return Contact{}, apierr.New(apierr.ErrNotFound, Vendor, op, "the answer holds no contact method")
	}
	return out[0], nil
}

// AddEmail adds an address. What is sent as "email" is read back as Value.
//
//contract:operation POST /api-public/v1/user/{user}/contact-methods/emails
func (c *Client) AddEmail(ctx context.Context, username, label, email string, rank int) (Contact, error) {
	in := struct {
		Label string `json:"label"`
		Email string `json:"email"`
		Rank  int    `json:"rank,omitempty"`
	}{label, email, rank}
	var out Contact
	err := c.send(ctx, "add an address for "+username, http.MethodPost, contactsPath(username, "/emails"), in, &out)
	return out, err
}

// AddPhone adds a number. It rings only after it was verified in the portal.
// What is sent as "phone" is read back as Value.
//
//contract:operation POST /api-public/v1/user/{user}/contact-methods/phones
func (c *Client) AddPhone(ctx context.Context, username, label, phone string, rank int) (Contact, error) {
	in := struct {
		Label string `json:"label"`
		Phone string `json:"phone"`
		Rank  int    `json:"rank,omitempty"`
	}{label, phone, rank}
	var out Contact
	err := c.send(ctx, "add a number for "+username, http.MethodPost, contactsPath(username, "/phones"), in, &out)
	return out, err
}

// DeviceSettings are what can be changed of a device.
type DeviceSettings struct {
	Label           string `json:"device_label,omitempty"`
	EscalationSound string `json:"escalation_notification_sound,omitempty"`
	ChatSound       string `json:"chat_escalation_sound,omitempty"`
	ResolvedSound   string `json:"resolved_notification_sound,omitempty"`
}

// UpdateDevice changes a device's label and sounds.
//
//contract:operation PUT /api-public/v1/user/{user}/contact-methods/devices/{contactId}
func (c *Client) UpdateDevice(ctx context.Context, username, extID string, in DeviceSettings) error {
	return c.send(ctx, "change a device of "+username, http.MethodPut, contactsPath(username, "/devices/"+seg(extID)), in, nil)
}

// DeleteEmail removes an address by its ExtID.
//
//contract:operation DELETE /api-public/v1/user/{user}/contact-methods/emails/{contactId}
func (c *Client) DeleteEmail(ctx context.Context, username, extID string) error {
	return c.send(ctx, "delete an address of "+username, http.MethodDelete, contactsPath(username, "/emails/"+seg(extID)), nil, nil)
}

// DeletePhone removes a number by its ExtID.
//
//contract:operation DELETE /api-public/v1/user/{user}/contact-methods/phones/{contactId}
func (c *Client) DeletePhone(ctx context.Context, username, extID string) error {
	return c.send(ctx, "delete a number of "+username, http.MethodDelete, contactsPath(username, "/phones/"+seg(extID)), nil, nil)
}

// DeleteDevice removes a device by its ExtID.
//
//contract:operation DELETE /api-public/v1/user/{user}/contact-methods/devices/{contactId}
func (c *Client) DeleteDevice(ctx context.Context, username, extID string) error {
	return c.send(ctx, "delete a device of "+username, http.MethodDelete, contactsPath(username, "/devices/"+seg(extID)), nil, nil)
}
