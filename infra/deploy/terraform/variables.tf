variable "region" {
  description = "Where everything lies: learners' data stay in it."
  type        = string
  default     = "eu-west-2"
}

variable "name" {
  description = "Name of the bucket, and the first part of every other name."
  type        = string
}

variable "principals" {
  description = "Who may take each role on: ARNs of the instances' or pods' own identities, by role (console, ingest, releaser, reader)."
  type        = map(list(string))

  validation {
    condition     = toset(keys(var.principals)) == toset(["console", "ingest", "releaser", "reader"])
    error_message = "Every one of console, ingest, releaser and reader needs its principals."
  }
}

variable "centres" {
  description = "Public SSH keys of the centres by centre number."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for number in keys(var.centres) : can(regex("^[0-9]{5}$", number))])
    error_message = "A centre's number has five digits."
  }
}

variable "archive_days" {
  description = "Days within which no version of an object can be deleted."
  type        = number
  default     = 400
}

variable "old_version_days" {
  description = "Days after which a version that is no longer the newest is deleted; after archive_days."
  type        = number
  default     = 430
}

variable "alarm_mail" {
  description = "Mail address that alarms are sent to."
  type        = string
}
