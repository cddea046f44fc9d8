terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7"
    }
  }
}

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "here" {}

locals {
  account = data.aws_caller_identity.here.account_id
  # The policies are files of their own, so that tests can read and try the very same text.
  facts = {
    account      = local.account
    bucket_arn   = aws_s3_bucket.desk.arn
    key_arn      = aws_kms_key.desk.arn
    queue_arn    = aws_sqs_queue.bell.arn
    releaser_arn = aws_iam_role.desk["releaser"].arn
  }
}
