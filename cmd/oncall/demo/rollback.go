package demo

// rollBack is the centre of the story: the bad version is taken back, and what it
// broke heals.
func rollBack() Chapter {
	return Chapter{
		Title: "Taking it back",
		Steps: []Step{
			{
				Say: "What runs, and is that what should? Four facts, found out apart.",
				Run: "deploy status api",
			},
			{
				Say:    "The version before ran well for six days. A rollback in production asks for the name; then it starts the job once and follows it until the errors are gone.",
				Run:    "deploy rollback api --incident 4127 --reason '5xx after 17.5.0'",
				Answer: "api",
			},
			{
				Say: "The same line again starts nothing.",
				Run: "deploy rollback api --yes --reason 'again, by mistake'",
			},
		},
	}
}
