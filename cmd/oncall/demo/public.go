package demo

// tellPublic is the first word to the public, and the second.
func tellPublic() Chapter {
	return Chapter{
		Title: "Telling the public",
		Steps: []Step{
			{
				Say:    "Customers see the errors too. A template has the words, the page is told with it, and both are remembered as a pair. What the public sees asks first.",
				Run:    "status incident create --template api-errors --component API=partial --from 4127",
				Answer: "y",
			},
			{
				Say:    "The cause is known. The public incident is found by the page's number.",
				Run:    "status incident update --pager 4127 --status identified --body 'A new version causes the errors; we are going back to the one before.'",
				Answer: "y",
			},
		},
	}
}

// tellEnd is the last word to the public, and a look at whether all is true.
func tellEnd() Chapter {
	return Chapter{
		Title: "The last word to the public",
		Steps: []Step{
			{
				Say:    "Resolved, in one request with the component, which the status page would leave as it is.",
				Run:    "status incident resolve --pager 4127 --body 'The API answers as usual again.'",
				Answer: "y",
			},
			{
				Say:  "Does the page tell the truth now? Exit code 9 says no: somebody forgot an incident more than a day ago.",
				Run:  "status check",
				Code: 9,
			},
		},
	}
}
