# Who may do what. console: the API server, which shows files and reports and tries the store. ingest: takes files in,
# decides, answers. releaser: awards, builds under embargo, publishes. reader: staff. landing: the transfer service, for one
# centre at a time.

resource "aws_iam_role" "desk" {
  for_each = toset(["console", "ingest", "releaser", "reader"])
  name     = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.principals[each.key] }
    }]
  })
}

resource "aws_iam_role_policy" "desk" {
  for_each = aws_iam_role.desk
  name     = each.key
  role     = each.value.id
  policy   = templatefile("${path.module}/policies/${each.key}.json.tftpl", local.facts)
}

# The releaser does what ingest does, too: the backup reads everything, and people run any command with this role. The
# other way round it does not hold: what reads the files of centres cannot reach what is under embargo.
resource "aws_iam_role_policy" "releaser_is_more" {
  name   = "ingest"
  role   = aws_iam_role.desk["releaser"].id
  policy = templatefile("${path.module}/policies/ingest.json.tftpl", local.facts)
}

resource "aws_iam_role" "landing" {
  name = "${var.name}-landing"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "transfer.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "landing" {
  name   = "landing"
  role   = aws_iam_role.landing.id
  policy = templatefile("${path.module}/policies/landing.json.tftpl", merge(local.facts, { centre = "*" }))
}
