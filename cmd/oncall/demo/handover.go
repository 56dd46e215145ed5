package demo

// handOver is how it ends: written down, given away, closed, and who is next.
func handOver() Chapter {
	return Chapter{
		Title: "Closing and handing over",
		Steps: []Step{
			{
				Say: "Write down what you know where the next person will look.",
				Run: "incident note 4127 'api 17.5.0 fails on device state queries; 17.4.1 is fine'",
			},
			{
				Say: "When the graph is flat again, close the page.",
				Run: "incident resolve 4127 -m 'back to 17.4.1'",
			},
			{
				Say: "What is left of yours? One that was acknowledged days ago and forgotten: the next one should know.",
				Run: "incident list --mine",
			},
			{
				Say: "Who is on duty, who is behind you and from when, and where is a gap?",
				Run: "rotation now",
			},
		},
	}
}
