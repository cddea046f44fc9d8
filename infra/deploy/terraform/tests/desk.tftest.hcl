# `terraform test`: a plan with a made-up provider, and what it must say. Nothing is created.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::desk", id = "desk" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-2:111111111111:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/desk-role" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-2:111111111111:desk-bell" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-2:111111111111:desk-alarms" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-2:111111111111:log-group:/transfer/desk" }
  }
  mock_resource "aws_transfer_server" {
    defaults = { id = "s-0123456789abcdef0", arn = "arn:aws:transfer:eu-west-2:111111111111:server/s-0123456789abcdef0" }
  }
}

variables {
  name       = "desk"
  alarm_mail = "desk@example.org"
  principals = {
    console  = ["arn:aws:iam::111111111111:role/ui"]
    ingest   = ["arn:aws:iam::111111111111:role/worker"]
    releaser = ["arn:aws:iam::111111111111:role/release-worker"]
    reader   = ["arn:aws:iam::111111111111:role/staff"]
  }
  centres = {
    "64123" = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE"
    "58201" = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE"
  }
}

run "nothing_is_lost" {
  command = apply

  assert {
    condition     = aws_s3_bucket.desk.object_lock_enabled && aws_s3_bucket_versioning.desk.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket keeps and locks every version."
  }
  assert {
    condition     = one([for rule in aws_s3_bucket_object_lock_configuration.desk.rule : rule.default_retention[0].days]) == 400
    error_message = "Versions are locked for archive_days."
  }
  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.desk.rule : alltrue([for one in rule.noncurrent_version_expiration : one.noncurrent_days > 400])])
    error_message = "No version expires while it is locked."
  }
}

run "a_centre_sees_its_own_folders" {
  command = apply

  assert {
    condition = toset([for one in aws_transfer_user.centre["64123"].home_directory_mappings : "${one.entry} ${one.target}"]) == toset([
      "/inbox /desk/inbox/64123", "/try /desk/try/64123", "/outbox /desk/outbox/64123", "/basedata /desk/basedata",
    ])
    error_message = "A centre's folders are its own."
  }
  assert {
    condition     = strcontains(aws_transfer_user.centre["64123"].policy, "inbox/64123/*") && !strcontains(aws_transfer_user.centre["64123"].policy, "58201")
    error_message = "A centre's policy names its own folders."
  }
}

run "results_are_embargoed" {
  command = apply

  assert {
    condition = anytrue([for one in jsondecode(aws_s3_bucket_policy.desk.policy).Statement :
      one.Effect == "Deny" && one.Resource == "arn:aws:s3:::desk/embargo/*" && one.Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111111111111:role/desk-role"
      if one.Sid == "NobodySeesResultsEarly"
    ])
    error_message = "Only the releaser reaches embargo/."
  }
}

run "the_bell_rings_for_the_inbox_only" {
  command = apply

  assert {
    condition     = [for one in aws_s3_bucket_notification.bell.queue : one.filter_prefix] == ["inbox/"]
    error_message = "What is answered, and probes/, do not ring."
  }
}

run "only_the_releaser_is_given_the_embargo" {
  command = apply

  assert {
    condition     = toset(keys(aws_iam_role_policy.desk)) == toset(["console", "ingest", "releaser", "reader"])
    error_message = "Every role has its policy."
  }
  assert {
    condition     = alltrue([for name in ["console", "ingest", "reader"] : !strcontains(aws_iam_role_policy.desk[name].policy, "embargo/")])
    error_message = "No other role is given embargo/."
  }
}

run "a_centre_number_has_five_digits" {
  command = plan

  variables {
    centres = { "../64123" = "ssh-ed25519 AAAA" }
  }
  expect_failures = [var.centres]
}

run "every_role_has_its_principals" {
  command = plan

  variables {
    principals = { ingest = [] }
  }
  expect_failures = [var.principals]
}
