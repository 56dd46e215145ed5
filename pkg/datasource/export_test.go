package datasource

// Explain is told of every answer that is no 2xx.
var Explain = explain
