package demo

// chapters tells the story in order.
func chapters() []Chapter {
	return []Chapter{
		page(),
		look(),
		tellPublic(),
		rollBack(),
		tellEnd(),
		endToEnd(),
		handOver(),
	}
}
