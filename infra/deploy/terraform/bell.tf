# A message for every file that lands, and for nothing else: not for what is answered, and not for the tries of the health
# page under probes/. It only rings: what lies in the inbox is the truth, and is looked at every five minutes anyway.

resource "aws_sqs_queue" "bell" {
  name                      = "${var.name}-bell"
  message_retention_seconds = 86400
  receive_wait_time_seconds = 20
  kms_master_key_id         = aws_kms_key.desk.id
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unheard.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "unheard" {
  name                      = "${var.name}-bell-unheard"
  message_retention_seconds = 1209600
  kms_master_key_id         = aws_kms_key.desk.id
}

resource "aws_sqs_queue_policy" "bell" {
  queue_url = aws_sqs_queue.bell.id
  policy    = templatefile("${path.module}/policies/queue.json.tftpl", local.facts)
}

resource "aws_s3_bucket_notification" "bell" {
  bucket = aws_s3_bucket.desk.id
  queue {
    queue_arn     = aws_sqs_queue.bell.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "inbox/"
  }
  queue {
    queue_arn     = aws_sqs_queue.bell.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "try/"
  }
  depends_on = [aws_sqs_queue_policy.bell]
}
