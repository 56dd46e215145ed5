package paging_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

func TestShowJSON(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("paging show secondary -o json")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Empty(t, r.Err)
	v := clitest.JSON[struct {
		Kind string
		Item struct {
			Username string
			Contacts []struct {
				Kind, Label, Value string
				Verified           bool
			}
			Policies []struct {
				Name, When, Words string
				Steps             []struct {
					AfterMinutes int
					Rules        []struct {
						Type, Contact string
						Reaches       bool
					}
				}
			}
		}
	}](t, r)
	assert.Equal(t, "Paging", v.Kind)
	assert.Equal(t, "secondary", v.Item.Username)
	assert.Len(t, v.Item.Contacts, 3)
	require.Len(t, v.Item.Policies, 2)
	assert.Equal(t, "Nights", v.Item.Policies[0].Name)
	assert.True(t, v.Item.Policies[1].Steps[0].Rules[0].Reaches)
	assert.Equal(t, "all devices", v.Item.Policies[1].Steps[0].Rules[0].Contact)
	assert.Equal(t, "paging/secondary\n", e.Run("paging show sec -o name").Out)
}

func TestCheckExitCodes(t *testing.T) {
	t.Parallel()
	for line, code := range map[string]int{
		"paging check": 0, "paging check you": 0, "paging check secondary --within 1m": 9, "paging check manager": 9,
		"paging check --team Operations": 9, "paging check --team Devices": 0, "paging check --team nobody": 4, "paging check ghost": 4,
		"paging check you secondary": 2, "paging check --within never": 2, "paging check you --team Devices": 2,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			r := clitest.New(t).Run(line)
			assert.Equal(t, code, r.Code, r.Out+r.Err)
			assert.Equal(t, code == 0 || code == 9, r.Out != "", "a check that was made is a result")
		})
	}
}

// No data is not success.
func TestCheckWithoutData(t *testing.T) {
	t.Parallel()
	fault := func(glob string) simulator.Fault {
		return simulator.Fault{Service: "victorops", Method: http.MethodGet, PathGlob: glob, Kind: simulator.FaultStatus, Status: 500}
	}
	for _, c := range []struct {
		line, glob string
		code       int
	}{
		{"paging check", "/api-public/v1/user/you/contact-methods", 7},
		{"paging check", "/api-public/v1/profile/you/policies", 7},
		{"paging check", "/api-public/v2/profile/you/policies", 6},
		{"paging check --team Devices", "/api-public/v1/user/noor/contact-methods", 6},
		{"paging check --team Operations", "/api-public/v1/user/you/contact-methods", 9},
		{"paging show", "/api-public/v1/user/you/contact-methods", 7},
	} {
		t.Run(c.line+" "+c.glob, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.AddFault(fault(c.glob)))
			r := e.Run(c.line)
			assert.Equal(t, c.code, r.Code, r.Out+r.Err)
			assert.Contains(t, r.Err, "500", "what is missing is told")
		})
	}
}

func TestEnvironmentAlone(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run("paging check --team Operations -o json")
	assert.Equal(t, 9, r.Code, r.Err)
	assert.Empty(t, r.Err)
	delete(e.Vars, "ONCALL_USER")
	r = e.Run("paging check")
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "ONCALL_USER")
}

func TestNarrow(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 60
	r := e.Run("paging show manager")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "reaches nobody")
	r = e.Run("paging check --team Operations --color never")
	assert.Equal(t, `manager     no    email now, phone after 15 min, then again
                  every 30 min
                  no device, and the phone number "Mobile"
                  is not verified: it does not ring
                  no step reaches anything that rings: phone
                  leads to nothing that is there and
                  verified
secondary   yes   push now, phone after 5 min, sms and phone
                  after 10 min, then again every 15 min
you         yes   push now, phone after 5 min, sms and phone
                  after 10 min, then again every 15 min
`, r.Out, "the reasons are the answer: never cut, and below where they began")
	e.Terminal = false
	assert.Len(t, strings.Split(e.Run("paging check you").Out, "\n"), 2, "a pipe's lines are not broken")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Contains(t, e.Run(`__complete paging check ""`).Out, "secondary\tSam Okafor")
	assert.Contains(t, e.Run(`__complete paging check --team ""`).Out, "Operations")
}
