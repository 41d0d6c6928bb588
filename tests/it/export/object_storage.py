"""An object storage with the S3 API (moto, in memory), with the bucket `archive`. Prints its port, and serves until standard
input ends. Each line of input is a command; a line of output is its result."""

import pathlib
import sys
import urllib.request

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

BUCKET = "archive"

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://{}:{}".format(*server.get_host_and_port())
s3 = boto3.client(
    "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
)
s3.create_bucket(Bucket=BUCKET)
print(url.rpartition(":")[2], flush=True)


def objects():
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [object["Key"] for page in pages for object in page.get("Contents", [])]


def run(command, *arguments):
    match command:
        case "copy":  # all objects to a folder
            for key in objects():
                path = pathlib.Path(arguments[0]) / key
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(BUCKET, key, str(path))
        case "put":  # a file as an object
            s3.upload_file(arguments[1], BUCKET, arguments[0])
        case "delete":
            s3.delete_object(Bucket=BUCKET, Key=arguments[0])
        case "count-uploads":  # that are not complete
            return len(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))
        case "require-authentication":  # of a user that exists, and there is none
            headers = {"Content-Type": "text/plain"}
            urllib.request.urlopen(urllib.request.Request(url + "/moto-api/reset-auth", data=b"0", headers=headers))
    return "ok"


for line in sys.stdin:
    print(run(*line.split()), flush=True)
