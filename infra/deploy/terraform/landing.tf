# The centres' door: SFTP, keys only. A centre sees /inbox, /try, /outbox and /basedata, and nothing that is another's.

resource "aws_transfer_server" "landing" {
  identity_provider_type      = "SERVICE_MANAGED"
  protocols                   = ["SFTP"]
  domain                      = "S3"
  endpoint_type               = "PUBLIC"
  security_policy_name        = "TransferSecurityPolicy-2025-03"
  structured_log_destinations = ["${aws_cloudwatch_log_group.landing.arn}:*"]
}

resource "aws_cloudwatch_log_group" "landing" {
  name              = "/transfer/${var.name}"
  retention_in_days = 400
  kms_key_id        = aws_kms_key.desk.arn
}

resource "aws_transfer_user" "centre" {
  for_each            = var.centres
  server_id           = aws_transfer_server.landing.id
  user_name           = each.key
  role                = aws_iam_role.landing.arn
  home_directory_type = "LOGICAL"
  policy              = templatefile("${path.module}/policies/landing.json.tftpl", merge(local.facts, { centre = each.key }))

  dynamic "home_directory_mappings" {
    for_each = {
      "/inbox"    = "/${aws_s3_bucket.desk.id}/inbox/${each.key}"
      "/try"      = "/${aws_s3_bucket.desk.id}/try/${each.key}"
      "/outbox"   = "/${aws_s3_bucket.desk.id}/outbox/${each.key}"
      "/basedata" = "/${aws_s3_bucket.desk.id}/basedata"
    }
    content {
      entry  = home_directory_mappings.key
      target = home_directory_mappings.value
    }
  }
}

resource "aws_transfer_ssh_key" "centre" {
  for_each  = var.centres
  server_id = aws_transfer_server.landing.id
  user_name = aws_transfer_user.centre[each.key].user_name
  body      = each.value
}
