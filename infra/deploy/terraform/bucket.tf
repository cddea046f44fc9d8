# The store: one bucket with the keys of docs/flow.md. Nothing that was ever in it is lost within archive_days.

resource "aws_kms_key" "desk" {
  description         = "${var.name}: objects, the queue, alarms"
  enable_key_rotation = true
  policy              = templatefile("${path.module}/policies/key.json.tftpl", { account = local.account })
}

resource "aws_s3_bucket" "desk" {
  bucket              = var.name
  object_lock_enabled = true
}

resource "aws_s3_bucket_versioning" "desk" {
  bucket = aws_s3_bucket.desk.id
  versioning_configuration {
    status = "Enabled"
  }
}

# Of every object, so of the archive too. An object that is taken away or replaced leaves its version behind.
resource "aws_s3_bucket_object_lock_configuration" "desk" {
  bucket = aws_s3_bucket_versioning.desk.bucket
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.archive_days
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "desk" {
  bucket = aws_s3_bucket.desk.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.desk.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "desk" {
  bucket                  = aws_s3_bucket.desk.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "desk" {
  bucket = aws_s3_bucket.desk.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "desk" {
  bucket = aws_s3_bucket.desk.id
  policy = templatefile("${path.module}/policies/bucket.json.tftpl", local.facts)
}

resource "aws_s3_bucket_lifecycle_configuration" "desk" {
  bucket = aws_s3_bucket_versioning.desk.bucket

  rule {
    id     = "unfinished uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  rule {
    id     = "old versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.old_version_days
    }
    expiration {
      expired_object_delete_marker = true
    }
  }

  rule {
    id     = "the archive gets cheaper"
    status = "Enabled"
    filter {
      prefix = "archive/"
    }
    transition {
      days          = 90
      storage_class = "STANDARD_IA"
    }
  }
}

resource "aws_s3_bucket_metric" "desk" {
  bucket = aws_s3_bucket.desk.id
  name   = "whole"
}
