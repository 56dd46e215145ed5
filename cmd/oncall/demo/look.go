package demo

// look is what is seen from the terminal: how bad, since when, which requests.
func look() Chapter {
	return Chapter{
		Title: "Seeing what is wrong",
		Steps: []Step{
			{
				Say:  "How bad is it? A named query with its limit; a script would go by the exit code, 9.",
				Run:  "metrics check api-5xx",
				Code: 9,
			},
			{
				Say: "Since when? It began to climb minutes after 17.5.0.",
				Run: "metrics range api-5xx --since 40m --graph",
			},
			{
				Say: "Bad requests rose too. One line finds the paths, against the hour before.",
				Run: "logs top --service api --by path --status 4xx --since 12m --compare 1h --limit 4",
			},
			{
				Say: "And what do the errors say? What is new comes first.",
				Run: "logs patterns --service api --level error --since 12m --compare 1h",
			},
		},
	}
}
