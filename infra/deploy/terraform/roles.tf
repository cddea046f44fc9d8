# Who may do what. ingest: takes files in, decides, answers. releaser: awards, builds under embargo, publishes.
# reader: staff. landing: the transfer service, for one centre at a time.

resource "aws_iam_role" "desk" {
  for_each = toset(["ingest", "releaser", "reader"])
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

# All jobs run in one pool of workers today, which takes the releaser's role: it does what ingest does, too. Whoever puts
# award and release into workers of their own takes this away.
resource "aws_iam_role_policy" "one_pool" {
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
