package simulator

import "time"

// HcUUID is the identifier of a check of the demo world, by name; the second of
// the two called "certificate renewal" has the suffix " vpn".
func HcUUID(name string) string { return uuidFor("healthchecks check", name) }

func seedHealthchecks(s *State, hc *healthchecksState) {
	const h, m = time.Hour, time.Minute
	start := s.StartedAt
	add := func(k *hcCheck, key string) *hcCheck {
		k.UUID, k.Status = HcUUID(key), "new"
		k.Log, k.Flips = []hcPing{}, []hcFlip{}
		if k.Grace == 0 {
			k.Grace = h
		}
		hc.Checks = append(hc.Checks, k)
		return k
	}

	e2e := add(&hcCheck{Name: CheckE2E, Slug: "e2e-hourly", Tags: "e2e prod", Desc: "end-to-end tests, " + JobE2E, Timeout: E2EPeriod, Grace: E2EGrace, E2E: true}, CheckE2E)
	for n := E2EFirstBuild; n <= E2ELastGreen; n++ {
		if e2eStories[n] == "" { // the job reports successes alone
			e2e.receive(hcPing{Type: "success", At: s.Facts.E2EBuildEnd(n), Method: "POST", UA: "curl/8.5.0"})
			e2e.Seen = s.Facts.E2EBuildEnd(n)
		}
	}
	// The facts remember the newest; it must not come twice.
	e2e.Seen = later(e2e.Seen, s.Facts.LastE2EPass(start))

	add(&hcCheck{Name: "database backup", Slug: "database-backup", Tags: "db prod", Desc: "pg_dump of " + RDSInstance, Cron: "30 2 * * *", Zone: Zone, Grace: 2 * h,
		Next: hcDaily("30 2 * * *", Zone, start.Add(-20*24*h)), Lasts: 17 * m}, "database backup")
	add(&hcCheck{Name: "registry garbage collection", Slug: "registry-gc", Tags: "registry prod", Timeout: 24 * h, Grace: 3 * h,
		Next: start.Add(-12*24*h - 5*h), Lasts: 42 * m}, "registry garbage collection")
	add(&hcCheck{Name: "certificate renewal", Tags: "proxy prod", Timeout: 12 * h, Grace: h, Next: start.Add(-5*24*h - 2*h)}, "certificate renewal")
	add(&hcCheck{Name: "certificate renewal", Tags: "vpn prod", Timeout: 12 * h, Grace: h, Next: start.Add(-5*24*h - 7*h)}, "certificate renewal vpn")
	add(&hcCheck{Name: "fleet census", Slug: "fleet-census", Tags: "devices", Timeout: 6 * h, Grace: h, Next: start.Add(-3*24*h - 4*m), Lasts: 12 * m}, "fleet census")

	report := add(&hcCheck{Name: "usage report", Slug: "usage-report", Tags: "billing", Desc: "off until the new price list is in", Timeout: 24 * h, Grace: 6 * h, Manual: true}, "usage report")
	for d := 9; d > 3; d-- {
		report.receive(hcPing{Type: "success", At: start.Add(-time.Duration(d) * 24 * h), Method: "GET", UA: "python-requests/2.32.3"})
	}
	report.flip(start.Add(-3*24*h-2*h), "paused")

	add(&hcCheck{Name: "image maker smoke test", Slug: "image-maker-smoke", Tags: "image-maker", Timeout: h, Grace: 30 * m}, "image maker smoke test")
	advanceHealthchecks(s, hc, start)
}
