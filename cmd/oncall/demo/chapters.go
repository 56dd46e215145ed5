package demo

// chapters tells the story in order.
func chapters() []Chapter {
	return []Chapter{
		page(),
		look(),
		outside(),
		tellPublic(),
		rollBack(),
		tellEnd(),
		endToEnd(),
		recovered(),
		handOver(),
	}
}
