package demo

// outside is what others see: the probes around the world, and the job that went
// silent.
func outside() Chapter {
	return Chapter{
		Title: "From outside",
		Steps: []Step{
			{
				Say:  "Is it only us? Probes around the world ask the API every minute. Exit code 9: five of six places get a 503.",
				Run:  "probe check --tag prod",
				Code: 9,
			},
			{
				Say: "And the second page of this night: a job went silent. Does it not start, or does it run and fail?",
				Run: "heartbeat why 'e2e hourly'",
			},
		},
	}
}

// recovered is the same two looks, after both are mended.
func recovered() Chapter {
	return Chapter{
		Title: "Is it over?",
		Steps: []Step{
			{
				Say: "The world gets its answers again,",
				Run: "probe check --tag prod",
			},
			{
				Say: "and the silent job was heard.",
				Run: "heartbeat check --tag prod",
			},
		},
	}
}
