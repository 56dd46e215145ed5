package demo

// endToEnd is the other page: why did the e2e tests fail, and try again.
func endToEnd() Chapter {
	return Chapter{
		Title: "The other page: e2e",
		Steps: []Step{
			{
				Say: "The second page says that no e2e run has passed for an hour. The link in it names a build of 60,000 lines. Why did it fail?",
				Run: "e2e why --incident 4126",
			},
			{
				Say: "It failed 7 times in 40 builds and mostly passed on the next try: a flake, and older than the deploy. Try again, with the same parameters.",
				Run: "e2e retry 9123 --incident 4126 --reason 'flaky kernel module step'",
			},
			{
				Say: "It passed. The heartbeat is back with it, and closed that page by itself.",
				Run: "incident list --mine",
			},
		},
	}
}
