output "security_group_id" {
  description = "ID of the service's security group."
  value       = aws_security_group.this.id
}

output "task_role_arn" {
  description = "ARN of the role that the service's tasks assume."
  value       = aws_iam_role.task.arn
}
