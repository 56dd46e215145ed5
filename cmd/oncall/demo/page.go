package demo

// page is how it begins: see it, read it, take it.
func page() Chapter {
	return Chapter{
		Title: "The page",
		Steps: []Step{
			{
				Say: "Your phone rings: the API answers more than 2 of 100 requests with an error. What is there, and is it yours?",
				Run: "incident list --mine",
			},
			{
				Say: "One screen tells what happened, who was paged, and where to look.",
				Run: "incident get 4127",
			},
			{
				Say: "Take it, so that nobody else is woken, and say what you do.",
				Run: "incident ack 4127 -m 'looking: began after 17.5.0 went out'",
			},
		},
	}
}
