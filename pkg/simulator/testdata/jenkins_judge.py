"""Drives the demo's Jenkins with python-jenkins, a client that nobody here wrote:
list, trigger with parameters, follow the queue item, read the console."""
import json
import sys
import time

import jenkins

url, user, token, job = sys.argv[1:]
server = jenkins.Jenkins(url, username=user, password=token, timeout=20)
told = {"user": server.get_whoami()["fullName"]}  # first: get_version alone sends no credentials
told["version"] = server.get_version()
told["jobs"] = sorted(j["fullname"] for j in server.get_all_jobs())
info = server.get_job_info(job)
told["last"] = info["lastBuild"]["number"]
told["red"] = server.get_build_info(job, told["last"])["result"]
told["stable"] = info["lastStableBuild"]["number"]
console = server.get_build_console_output(job, told["last"])
told["lines"] = console.count("\n")
told["end"] = console.rstrip().rsplit("\n", 1)[-1]
told["report"] = server.get_build_test_report(job, told["last"])["failCount"]

item = server.build_job(job, {"DEVICE": "qemux86-64", "OS_VERSION": "6.5.0"})
for _ in range(500):
    left = server.get_queue_item(item)
    if left.get("executable"):
        break
    time.sleep(0.02)
number = left["executable"]["number"]
for _ in range(500):
    build = server.get_build_info(job, number)
    if not build["building"]:
        break
    time.sleep(0.02)
told["new"] = number
told["result"] = build["result"]
told["params"] = {p["name"]: p["value"] for a in build["actions"] for p in a.get("parameters", [])}
told["finished"] = server.get_build_console_output(job, number).rstrip().rsplit("\n", 1)[-1]

try:
    server.build_job(job, {"DEVICE": "toaster"})
    told["bad choice"] = "taken"
except jenkins.JenkinsException:
    told["bad choice"] = "refused"
try:
    server.get_build_info(job, 1)
    told["gone"] = "found"
except jenkins.JenkinsException:
    told["gone"] = "not found"
json.dump(told, sys.stdout)
