package metrics

// DemoQueries are the primer's named queries for the demo world, whose rollback
// heals in seconds: their windows are seconds too. docs/metrics.md has the same
// with five minutes, to copy into a configuration.
func DemoQueries() []Query {
	limit := func(v float64) *float64 { return &v }
	const all = `sum(rate(http_requests_total{job="api"}[5s]))`
	return []Query{
		{Name: "api-4xx", Unit: "ratio", Above: limit(0.1), Description: "share of the API's requests answered 4xx",
			Expr: `sum(rate(http_requests_total{job="api",code=~"4.."}[5s])) / ` + all},
		{Name: "api-5xx", Unit: "ratio", Above: limit(0.02), Description: "share of the API's requests answered 5xx",
			Expr: `sum(rate(http_requests_total{job="api",code=~"5.."}[5s])) / ` + all},
		{Name: "api-rate", Unit: "rps", Below: limit(50), Description: "requests a second of the API", Expr: all},
		{Name: "rds-connections", Unit: "count", Above: limit(400), Description: "connections to the database", Expr: `aws_rds_database_connections_average{dbinstance_identifier="api-main"}`},
		{Name: "rds-cpu", Unit: "percent", Above: limit(80), Description: "CPU of the database, from CloudWatch, ten minutes late", Expr: `aws_rds_cpuutilization_average{dbinstance_identifier="api-main"}`},
		{Name: "registry-disk", Unit: "ratio", Above: limit(0.95), Description: "disk in use on registry-2",
			Expr: `1 - node_filesystem_avail_bytes{instance="registry-2:9100"} / node_filesystem_size_bytes`},
	}
}
