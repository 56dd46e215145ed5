package prometheus

import "time"

// MaxPoints is the number of steps after which a server refuses a range:
// (end-start)/step > 11000.
const MaxPoints = 11000

// niceSteps are the steps that people read off a graph.
var niceSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour,
}

// MinStep is the least step for a span, rounded up to a second above one second
// and to a millisecond below.
func MinStep(span time.Duration) time.Duration {
	if span <= 0 {
		return time.Millisecond
	}
	unit := time.Second
	if span < MaxPoints*time.Second {
		unit = time.Millisecond
	}
	d := (span + MaxPoints - 1) / MaxPoints
	return max((d+unit-1)/unit*unit, time.Millisecond)
}

// AutoStep is the least nice step with which a span has at most points steps.
// Points are held to MaxPoints; fewer than one is one.
func AutoStep(span time.Duration, points int) time.Duration {
	points = min(max(points, 1), MaxPoints)
	for _, s := range niceSteps {
		if span <= s*time.Duration(points) {
			return s
		}
	}
	day := 24 * time.Hour
	least := (span + time.Duration(points) - 1) / time.Duration(points)
	return (least + day - 1) / day * day
}
